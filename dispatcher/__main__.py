"""Makes `python -m dispatcher` the same as `dispatcher`."""

from dispatcher.cli import console

if __name__ == "__main__":
    console()
