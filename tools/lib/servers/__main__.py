"""Starts and stops private PostgreSQL and Redis servers below FOLDER. Run as: python3 -m servers (with tools/lib in PYTHONPATH)."""
import argparse
import sys

from . import Postgres, Redis, ServerError

ACTIONS = """actions:
  start   starts whichever does not run, over the data FOLDER has; makes user and database `parley`; prints
          store=URL and cache=URL, whose passwords are in FOLDER/secrets/store.password and cache.password
  stop    stops both and waits until they have ended; nothing is deleted
  tests   prints PARLEY_TEST_POSTGRES=URL and PARLEY_TEST_REDIS=URL, with passwords, for the unit tests
"""


def main(argv):
    parser = argparse.ArgumentParser(prog="servers", description=__doc__, epilog=ACTIONS, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("start", "stop", "tests"))
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--throw-away", action="store_true", help="data that nobody will need: no fsync")
    args = parser.parse_args(argv)
    postgres, redis = (kind(args.folder, durable=not args.throw_away) for kind in (Postgres, Redis))
    if args.action == "start":
        redis.start()
        postgres.start().ensure_database()
        print(f"store={postgres.url()}\ncache={redis.url()}")
    elif args.action == "stop":
        for server in (postgres, redis):
            if server.stop():
                print(f"{server.name} stopped")
    else:
        print(f"PARLEY_TEST_POSTGRES={postgres.root_url()}\nPARLEY_TEST_REDIS={redis.root_url()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerError as e:
        print(f"servers: {e}", file=sys.stderr)
        sys.exit(1)
