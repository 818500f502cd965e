"""Parameters of Parameter Store that only have to be read, answered without the emulator.

A gateway's interceptor reads in one who calls, within a deadline that loading the emulator would use up; and there is
one emulator in a process. As soon as anything else is asked for, the emulator answers for them, too.
"""

import json
import time
from collections.abc import Sequence

from toolgate.local.serve.aws.emulator import Answer
from toolgate.local.serve.aws.protocols import Call
from toolgate.local.serve.aws.seeding import Request

_MADE = time.time()


def read(call: Call, requests: Sequence[Request]) -> Answer | None:
    """The answer to who reads one parameter by its name or ARN; None where anything else is asked for.

    Source: Systems Manager API reference, GetParameter.

    Args:
        call: What is asked for, by somebody who may.
        requests: What makes parameters that are no secrets.
    """
    if (call.service, call.operation) != ("ssm", "GetParameter") or call.parameters.keys() - {"Name", "WithDecryption"}:
        return None
    name = call.parameters.get("Name")
    found = next((it for it in requests if name in (it.parameters["Name"], it.arn)), None)
    if found is None:
        return _answer(400, {"__type": "ParameterNotFound", "message": f"Parameter {name} not found."})
    told = {"Name": found.parameters["Name"], "Type": "String", "Value": found.parameters["Value"], "Version": 1}
    return _answer(200, {"Parameter": {**told, "LastModifiedDate": _MADE, "ARN": found.arn, "DataType": "text"}})


def _answer(status: int, body: object) -> Answer:
    return Answer(status, (("content-type", "application/x-amz-json-1.1"),), json.dumps(body).encode())
