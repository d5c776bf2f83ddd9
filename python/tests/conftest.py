"""The program that the module is tried against: PLASTICITY_BENCH names it, or it is on the path."""

import os
import shutil
import subprocess

import pytest

PROGRAM = os.environ.get("PLASTICITY_BENCH") or shutil.which("plasticity-bench")


@pytest.fixture(scope="session")
def program():
    """Runs the program with these arguments. Without a program the test is skipped."""
    if PROGRAM is None:
        pytest.skip("no plasticity-bench on the path")
    return lambda *arguments: subprocess.run([PROGRAM, *arguments], check=True)
