"""Private PostgreSQL and Redis servers below one folder, from Debian's packages: own ports of 127.0.0.1, own data, passwords in
files. What they promise: nothing of them is reachable without a password or from another machine, nothing of the system's own
PostgreSQL or Redis is touched, and only what was started here is ended, by its pid.

A folder holds  postgresql/ redis/        configuration and data, of the user the server runs as
                run/ log/                 NAME.pid NAME.log
                secrets/                  NAME.password, readable by whoever started the servers
"""
from .daemon import ServerError
from .postgres import Postgres
from .redis import Redis

__all__ = ["Postgres", "Redis", "ServerError"]
