"""`python -m oblivion._cli`."""

import sys

from oblivion._cli.main import main

sys.exit(main())
