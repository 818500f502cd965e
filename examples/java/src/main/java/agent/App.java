// An agent, its gateway and its tools. docs/package.md says how to run it.
package agent;

import com.pulumi.Context;
import com.pulumi.Pulumi;
import com.pulumi.core.Output;
import com.pulumi.toolgate.AgentRuntime;
import com.pulumi.toolgate.AgentRuntimeArgs;
import com.pulumi.toolgate.LambdaTools;
import com.pulumi.toolgate.LambdaToolsArgs;
import com.pulumi.toolgate.ToolGateway;
import com.pulumi.toolgate.ToolGatewayArgs;
import com.pulumi.toolgate.enums.Authorization;
import com.pulumi.toolgate.inputs.GatewayTargetArgs;
import com.pulumi.toolgate.inputs.GatewayToolsArgs;
import com.pulumi.toolgate.inputs.ToolSchemaArgs;
import com.pulumi.toolgate.outputs.ToolSchema;
import java.util.Map;
import java.util.Optional;

public final class App {
  private static final String MODEL_ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0";

  public static void main(String[] args) {
    Pulumi.run(App::program);
  }

  private static void program(Context ctx) {
    var code = ctx.config().require("code");

    var math = new LambdaTools("math", LambdaToolsArgs.builder().directory("../../lambdas/math").build());

    var target =
        GatewayTargetArgs.builder()
            .functionArn(math.functionArn())
            .tools(math.tools().applyValue(tools -> tools.stream().map(App::handed).toList()))
            .build();
    var gateway =
        new ToolGateway(
            "tools",
            ToolGatewayArgs.builder()
                .authorization(Authorization.TOOL)
                .targets(Map.of("math", target))
                .build());

    // Handing over a gateway's tools is the grant.
    var every =
        GatewayToolsArgs.builder()
            .gatewayArn(gateway.gatewayArn())
            .gatewayUrl(gateway.gatewayUrl())
            .policyEngineId(gateway.policyEngineId().applyValue(Optional::orElseThrow))
            .tools(gateway.toolNames())
            .build();
    var assistant =
        new AgentRuntime(
            "assistant", AgentRuntimeArgs.builder().code(code).modelId(MODEL_ID).tools(every).build());

    // The second agent gets one tool, and that only below a limit.
    var one =
        GatewayToolsArgs.builder(every)
            .tools("math___add_numbers")
            .when("context.input.a.lessThan(decimal(\"1000.0\"))")
            .build();
    var adder =
        new AgentRuntime(
            "adder",
            AgentRuntimeArgs.builder()
                .code(code)
                .modelId(MODEL_ID)
                .systemPrompt("You add small numbers.")
                .tools(one)
                .build());

    ctx.export("gatewayUrl", gateway.gatewayUrl());
    ctx.export("agents", Output.of(Map.of("assistant", assistant.runtimeArn(), "adder", adder.runtimeArn())));
  }

  /** What a component gives is of another type than what the next one takes. */
  private static ToolSchemaArgs handed(ToolSchema tool) {
    return ToolSchemaArgs.builder()
        .name(tool.name())
        .description(tool.description())
        .inputSchema(tool.inputSchema())
        .build();
  }
}
