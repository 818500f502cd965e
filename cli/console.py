"""`toolgate console`: the console of a stack on AWS, with one's own credentials, until Ctrl-C."""

import signal
import threading
from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.options import CommandError
from toolgate.cli.output import say


@click.command()
@options.program
@options.stack
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="the port (default: a free one)")
@options.open_console
def console(program: Path, stack: str, port: int, opened: bool) -> int:
    """Look at a stack on AWS in the browser, and ask its agents, until Ctrl-C.

    Who may call what is read from the stack's export, as it is now. Agents are asked with your own credentials, and
    nothing else of AWS is. What `toolgate up` serves has a console of its own.
    """
    from toolgate.access.deployment.stack_export import DeploymentError
    from toolgate.console.server import console as served
    from toolgate.console.stack import Stack
    from toolgate.local.asking import AskError, stack_deployment
    from toolgate.local.progress import waiting_for
    from toolgate.local.pulumi_stack import StackError, export
    from toolgate.local.serve.loopback_server import PortInUseError

    stop = threading.Event()
    try:
        with waiting_for(f"the stack {stack}"):
            agents = stack_deployment(program, stack).agents
            source = Stack(program, stack, export(program, stack), agents)
        with served(source, port) as page:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            say(f"# console: {page.address}")  # here and nowhere else: it holds the token
            say(f"# stack {stack} on AWS, asked with your own credentials; Ctrl-C ends it")
            if opened:
                options.opened(page.address)
            # As in `toolgate up`: a signal just before an endless wait would not be seen.
            while not stop.wait(1.0):
                pass
    except AskError as error:
        raise CommandError(str(error).replace(", or ask the local deployment: --local", "")) from error
    except (DeploymentError, PortInUseError, StackError) as error:
        raise CommandError(str(error)) from error
    return options.OK
