// AWS's SDK for JavaScript v3: InvokeAgentRuntime, one input after another.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const installed = createRequire(process.env.CLIENTS);
const { BedrockAgentCoreClient, InvokeAgentRuntimeCommand } = installed("@aws-sdk/client-bedrock-agentcore");

const client = new BedrockAgentCoreClient({ maxAttempts: 1 });
const found = {};
for (const [name, input] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const payload = Buffer.from(input.payload);
  try {
    const answer = await client.send(new InvokeAgentRuntimeCommand({ ...input, payload }));
    found[name] = [answer.$metadata.httpStatusCode, await answer.response.transformToString(), answer.$metadata.requestId];
  } catch (error) {
    found[name] = [error.$metadata?.httpStatusCode, `${error.name}: ${error.message}`, error.$metadata?.requestId];
  }
}
process.stdout.write(JSON.stringify(found));
