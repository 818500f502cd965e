"""Schemas of the throw-away program's own tools, as AgentCore's API writes them."""

from toolgate.components.tools.tool_schema import ToolSchema

BROKEN: ToolSchema = {
    "name": "fail",
    "description": "Fail, whatever it is given.",
    "inputSchema": {"type": "object", "properties": {}},
}

NESTED: ToolSchema = {
    "name": "order",
    "description": "Echo an order whose lines have options: objects on three levels.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "order": {
                "type": "object",
                "properties": {
                    "line": {
                        "type": "object",
                        "properties": {
                            "options": {
                                "type": "object",
                                "properties": {"gift": {"type": "boolean"}},
                                "required": ["gift"],
                            }
                        },
                        "required": ["options"],
                    }
                },
                "required": ["line"],
            }
        },
        "required": ["order"],
    },
}
