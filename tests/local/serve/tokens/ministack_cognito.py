"""ministack's Cognito, asked by the process that started this one: requests on standard input, answers on the other.

ministack has no documented API and writes keys to disk when it is imported: so it is a process, with a folder of its
own, and no port.
"""

import asyncio
import json
import sys

from ministack.services import cognito


async def main() -> None:
    """Answer one request a line."""
    for line in sys.stdin:
        asked = json.loads(line)
        body = asked["body"].encode()
        status, _, answer = await cognito.handle_request("POST", asked["path"], asked["headers"], body, {})
        content = answer.decode() if isinstance(answer, bytes) else answer
        sys.stdout.write(json.dumps({"status": status, "body": json.loads(content)}) + "\n")
        sys.stdout.flush()


asyncio.run(main())
