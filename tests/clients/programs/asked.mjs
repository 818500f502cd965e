// What each client written in TypeScript does: list the tools, make the calls, print how each of that ended.
import { readFileSync } from "node:fs";

export async function main(connect) {
  const found = {};
  for (const [name, asked] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
    found[name] = await session(connect, asked);
  }
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}

async function session(connect, asked) {
  const found = {};
  try {
    const client = await connect(asked);
    found.tools = (await client.listTools()).tools.map((tool) => tool.name);
    found.calls = {};
    for (const [name, [tool, args]] of Object.entries(asked.calls)) {
      found.calls[name] = await ended(client, tool, args);
    }
    await client.close();
  } catch (error) {
    found.refused = `${error.name}: ${error.message}`;
  }
  return found;
}

async function ended(client, tool, args) {
  try {
    const result = await client.callTool({ name: tool, arguments: args });
    return [result.isError ? "error" : "result", result.content.map((it) => it.text ?? "").join("")];
  } catch (error) {
    return ["raised", `${error.name}: ${error.message}`];
  }
}
