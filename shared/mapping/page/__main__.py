"""`python -m shared.mapping.page > docs/mapping.md`."""

from __future__ import annotations

import sys

from shared.mapping.page.render import as_markdown

if __name__ == "__main__":
    sys.stdout.write(as_markdown())
