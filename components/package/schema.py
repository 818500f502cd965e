"""The package's schema, for reviewers and generators: `python -m toolgate.components.package.schema` writes it."""

import argparse
import json
from pathlib import Path
from typing import Any

from toolgate.components.package.host import package

FILE = Path(__file__).parents[1] / "schema.json"


def text() -> str:
    """The schema as the file has it."""
    schema: dict[str, Any] = json.loads(package().schema or "")
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m toolgate.components.package.schema", description=__doc__).parse_args()
    FILE.write_text(text(), encoding="utf-8")
