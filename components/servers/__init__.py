"""An MCP server of a program's own: its zip, and its tools as a plan reads them from the server itself."""
