"""The values of secrets on this machine: from a file that only its owner may read, or made up.

The file is `.local/secrets.json` in the program's folder: a JSON object whose keys are names or ARNs. No value is ever
printed or logged.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from toolgate.access.deployment.stack_export import DeploymentError
from toolgate.access.deployment.text_file import TextFileError, json_of, text_of

FILE = Path(".local") / "secrets.json"


def read_values(root: Path) -> Mapping[str, str]:
    """The values in the file by the names and ARNs of secrets and parameters; none when there is no file.

    Args:
        root: The program's folder.

    Raises:
        DeploymentError: Others may read the file, or it is not an object of texts.
    """
    path = root / FILE
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            # Asked of what was opened, so that nobody can put another file there in between.
            if status.st_uid != os.getuid():
                raise DeploymentError(f"{FILE}: it is not yours; make one of your own, with mode 600")
            if stat.S_IMODE(status.st_mode) & 0o077:
                raise DeploymentError(f"{FILE}: others may read it: chmod 600 {FILE}")
            values = json_of(text_of(file.read()))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DeploymentError(f"{FILE}: {error.strerror}") from error
    except TextFileError:  # whose cause may quote the file
        raise DeploymentError(f'{FILE}: not JSON; write {{"<name or ARN>": "<value>"}}') from None
    if not isinstance(values, dict) or not all(isinstance(it, str) for it in values.values()):
        raise DeploymentError(f'{FILE}: not an object of texts; write {{"<name or ARN>": "<value>"}}')
    return values


def made_up() -> str:
    """A value that nobody takes for a real one, and that is another one each time."""
    return f"made-up-{secrets.token_hex(16)}"


def hint(kind: str, name: str) -> str:
    """The sentence about a value that was made up."""
    return f'{kind} {name}: its value is made up here; give it one in {FILE}: {{"{name}": "..."}} (chmod 600)'
