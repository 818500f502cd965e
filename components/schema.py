"""The package's schema. `python -m components.schema` writes it to schema.json, for reviewers and generators."""

import argparse
import json
from pathlib import Path
from typing import Any

from components.__main__ import package

FILE = Path(__file__).parent / "schema.json"


def text() -> str:
    """The schema as the file has it."""
    schema: dict[str, Any] = json.loads(package().schema or "")
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m components.schema", description=__doc__).parse_args()
    FILE.write_text(text(), encoding="utf-8")
