"""The MCP door: coding agents take tasks and talk to people with tools, over one HTTP endpoint and no socket."""
