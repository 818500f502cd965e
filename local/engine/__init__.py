"""The adapters between Pulumi and the stand-in control plane, and what they record."""
