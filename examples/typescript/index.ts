// An agent, its gateway and its tools. docs/package.md says how to run it.
import * as pulumi from "@pulumi/pulumi";
import * as toolgate from "@pulumi/toolgate";

const code = new pulumi.Config().require("code");
const modelId = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

const math = new toolgate.LambdaTools("math", { directory: "../../lambdas/math" });

const gateway = new toolgate.ToolGateway("tools", {
  authorization: toolgate.Authorization.TOOL,
  targets: { math: { functionArn: math.functionArn, tools: math.tools } },
});

// Handing over a gateway's tools is the grant.
const every = {
  gatewayArn: gateway.gatewayArn,
  gatewayUrl: gateway.gatewayUrl,
  policyEngineId: gateway.policyEngineId.apply((id) => id!),
  tools: gateway.toolNames,
};

const assistant = new toolgate.AgentRuntime("assistant", { code, modelId, tools: [every] });

// The second agent gets one tool, and that only below a limit.
const adder = new toolgate.AgentRuntime("adder", {
  code,
  modelId,
  systemPrompt: "You add small numbers.",
  tools: [{ ...every, tools: ["math___add_numbers"], when: 'context.input.a.lessThan(decimal("1000.0"))' }],
});

export const gatewayUrl = gateway.gatewayUrl;
export const agents = { assistant: assistant.runtimeArn, adder: adder.runtimeArn };
