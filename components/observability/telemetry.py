"""How an agent with telemetry starts, and what keeps prompts and tool content out of what its libraries send."""

import pulumi

ENTRY_POINTS = ["opentelemetry-instrument", "main.py"]
"""AgentCore developer guide, "Add observability to your agentic resources": the ADOT distro's start."""

ENVIRONMENT: dict[str, pulumi.Input[str]] = {
    # opentelemetry-instrumentation-botocore: prompts and answers in log events. The ADOT distro's default is "true".
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
    # The ADOT distro's MCP spans hold each call's arguments and result, with no setting against it. Strands has a span
    # for each call too, and without these httpx has one for each request.
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "aws_mcp",
}
"""Read before `main.py` runs, so the deployment sets it; the agent itself sees to strands (agent/traces.py)."""
