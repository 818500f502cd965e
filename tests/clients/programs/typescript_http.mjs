// MCP's TypeScript SDK over Streamable HTTP, through a proxy that signs.
import { createRequire } from "node:module";
import { main } from "./asked.mjs";

// The packages lie where `make clients` has put them, not beside this file.
const installed = createRequire(process.env.CLIENTS);
const { Client } = installed("@modelcontextprotocol/sdk/client/index.js");
const { StreamableHTTPClientTransport } = installed("@modelcontextprotocol/sdk/client/streamableHttp.js");

await main(async (asked) => {
  const client = new Client({ name: "typescript", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(asked.proxy)));
  return client;
});
