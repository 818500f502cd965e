"""The components as a Pulumi package, for programs in any language: what `pulumi` starts as the plugin `toolgate`."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from pulumi import ComponentResource
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider import main as serve
from pulumi.provider.experimental.analyzer import PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

HERE = Path(__file__).resolve().parent
NAME, VERSION = "toolgate", "0.1.0"
GENERATORS = {"go": {"generateExtraInputTypes": True}}
"""What the generators of SDKs are told beyond the schema (pulumi's schema docs, "Language-specific extensions").

Go: without it nothing declares the types of arguments that take no output, such as the gateway's targets, and the SDK
does not compile.
"""


def load() -> None:
    """Make this folder the package `components`: an installed plugin's folder has another name.

    Started as a folder, Python would also find our modules by their plain names, before others of that name.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != HERE]
    spec = importlib.util.spec_from_file_location("components", HERE / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{HERE} is no package")
    package = importlib.util.module_from_spec(spec)
    sys.modules["components"] = package
    spec.loader.exec_module(package)


class Package(ComponentProvider):
    """The SDK's host, which tells what the program's author can put right without a stack trace of ours."""

    def __init__(self, components: list[type[ComponentResource]]) -> None:
        super().__init__(components, NAME, None, VERSION)
        self._described: dict[str, Any] = json.loads(self.schema or "")
        for language, settings in GENERATORS.items():
            self._described["language"][language] |= settings
        self.schema = json.dumps(self._described)

    def map_input_properties(self, inputs: Any, properties: Any, *further: Any) -> Any:
        """Map inputs to Python's names.

        The host would make an `int` of each whole number and stumbles over an Output of one; what is none the component
        says in its own words.
        """
        whole, number = PropertyType.INTEGER, PropertyType.NUMBER
        known = {name: replace(it, type=number) if it.type is whole else it for name, it in properties.items()}
        return super().map_input_properties(inputs, known, *further)

    def construct(self, name: str, resource_type: str, inputs: Any, options: Any = None) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertiesError: The component refuses what it was given.
        """
        from components.errors import UsageError  # noqa: PLC0415
        from components.plain_inputs import opened  # noqa: PLC0415

        try:
            plain = opened(inputs, resource_type, self._described)
            return super().construct(name, resource_type, plain, options)
        except ComponentInitError as error:
            if isinstance(error.inner, UsageError):
                raise InputPropertiesError(str(error.inner), []) from error
            raise


def package() -> Package:
    """The package with every component."""
    # Only now: they are modules of the package that `load` makes.
    from components.agent_runtime import AgentRuntime  # noqa: PLC0415
    from components.dashboard import Dashboard  # noqa: PLC0415
    from components.encryption_key import EncryptionKey  # noqa: PLC0415
    from components.lambda_tools import LambdaTools  # noqa: PLC0415
    from components.tool_gateway import ToolGateway  # noqa: PLC0415

    return Package([LambdaTools, ToolGateway, AgentRuntime, Dashboard, EncryptionKey])


if __name__ == "__main__":
    load()
    serve(package(), sys.argv[1:])
