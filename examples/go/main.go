// An agent, its gateway and its tools. docs/package.md says how to run it.
package main

import (
	"example.com/pulumi-toolgate/sdk/go/toolgate"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

const modelID = "us.anthropic.claude-haiku-4-5-20251001-v1:0"

func main() {
	pulumi.Run(program)
}

func program(ctx *pulumi.Context) error {
	code := config.New(ctx, "").Require("code")

	math, err := toolgate.NewLambdaTools(ctx, "math", &toolgate.LambdaToolsArgs{Directory: "../../lambdas/math"})
	if err != nil {
		return err
	}

	authorization := toolgate.AuthorizationTOOL
	gateway, err := toolgate.NewToolGateway(ctx, "tools", &toolgate.ToolGatewayArgs{
		Authorization: &authorization,
		Targets: map[string]toolgate.GatewayTargetArgs{
			"math": {FunctionArn: math.FunctionArn, Tools: math.Tools},
		},
	})
	if err != nil {
		return err
	}

	// Handing over a gateway's tools is the grant.
	every := toolgate.GatewayToolsArgs{
		GatewayArn:     gateway.GatewayArn,
		GatewayUrl:     gateway.GatewayUrl,
		PolicyEngineId: gateway.PolicyEngineId,
		Tools:          gateway.ToolNames,
	}
	assistant, err := toolgate.NewAgentRuntime(ctx, "assistant", &toolgate.AgentRuntimeArgs{
		Code:    code,
		ModelId: modelID,
		Tools:   []toolgate.GatewayToolsArgs{every},
	})
	if err != nil {
		return err
	}

	// The second agent gets one tool, and that only below a limit.
	one := every
	one.Tools = pulumi.ToStringArray([]string{"math___add_numbers"})
	one.When = pulumi.StringRef(`context.input.a.lessThan(decimal("1000.0"))`)
	adder, err := toolgate.NewAgentRuntime(ctx, "adder", &toolgate.AgentRuntimeArgs{
		Code:         code,
		ModelId:      modelID,
		SystemPrompt: pulumi.StringRef("You add small numbers."),
		Tools:        []toolgate.GatewayToolsArgs{one},
	})
	if err != nil {
		return err
	}

	ctx.Export("gatewayUrl", gateway.GatewayUrl)
	ctx.Export("agents", pulumi.Map{"assistant": assistant.RuntimeArn, "adder": adder.RuntimeArn})
	return nil
}
