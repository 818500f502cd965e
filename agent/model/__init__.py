"""The model, through Bedrock's ConverseStream."""

from .bedrock import FORCED_TOOL, ModelError, Retry, fault_of, fault_of_stop
from .fallback import build

__all__ = ["FORCED_TOOL", "ModelError", "Retry", "build", "fault_of", "fault_of_stop"]
