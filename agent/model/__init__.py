"""The model, through Bedrock's ConverseStream."""

from .bedrock import ModelError, Retry, build, fault_of, fault_of_stop

__all__ = ["ModelError", "Retry", "build", "fault_of", "fault_of_stop"]
