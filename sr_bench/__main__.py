"""``python -m sr_bench`` is ``sr-bench``."""

from sr_bench.cli import main

if __name__ == "__main__":
    main()
