import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_addoption(parser):
    parser.addoption("--chaos-seconds", type=float, default=20, help="how long the short chaos run kills processes")
    parser.addoption("--chaos-seed", type=int, default=None, help="its seed; drawn and printed otherwise")
    parser.addoption("--stop-seconds", type=float, default=6, help="how long parleyd is stopped by SIGSTOP, or PostgreSQL is away")
    parser.addoption("--power-cuts", type=int, default=5, help="how often the power goes in test_power.py")
