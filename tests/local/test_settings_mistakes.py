"""Stack files as somebody who is new writes them: each mistake is one line that says what to write."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.planning import SAMPLE
from toolgate.local.engine import pack_process
from toolgate.local.plan import ProgramError, plan

REGION = "config:\n  aws:region: us-east-1\n"
LAUGHS = "x0: &x0 [ha]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 10))
MISTAKES = {
    REGION + "  toolgate:modelID: x": "unknown key 'modelID'. Did you mean 'modelId'?",
    REGION + "  toolgat:modelId: x": "nothing reads the namespace 'toolgat'. Did you mean toolgate:modelId?",
    "aws:region: us-east-1": "`aws:region` stands beside `config:`, where nobody reads it; indent it below `config:`",
    "Config:\n  aws:region: us-east-1": "there is no key `Config`; did you mean `config`?",
    "config:\n  aws.region: us-east-1": "no Region: write `aws:region: us-east-1` under `config:` in Pulumi.try.yaml",
    "config:\n  aws:\n    region: us-east-1": "no Region: write `aws:region: us-east-1`",
    "config:\n  aws:regoin: us-east-1": "Pulumi.try.yaml: aws:regoin is no key of the AWS provider",
    "config:\n  aws:region: us-esat-1": "aws:region: 'us-esat-1' is no Region of AWS; write one, such as us-east-1",
    "config:\n  aws:region: us-east-1a": "is no Region of AWS",
    "config:\n  aws:region: N. Virginia": "is no Region of AWS",
    "config:\n  aws:region:us-east-1": "`config` must be a map of `namespace:key` to a value",
    "config:\n\taws:region: us-east-1": "line 2: found character '\\t' that cannot start any token; indent with spaces",
    REGION + " toolgate:modelId: x": "is not YAML: line 3: expected <block end>",
    REGION
    + "  toolgate:modelId: @x": "line 3: found character '@' that cannot start any token; put the text in quotes",
    REGION + "  aws:region: us-west-2": "line 3: the key aws:region is twice",
    f"{REGION}---\n{REGION}": "line 3: expected a single document in the stream but found another document",
    REGION + "  toolgate:agents: {a: *nope}": "line 3: found undefined alias 'nope'",
    REGION + "  toolgate:agents: &a {a: *a}": "is nested more than 100 levels deep",
    LAUGHS + REGION: "has more than 5,000,000 values on one level",
    REGION + "  toolgate:agents:": "toolgate:agents has no value; write one",
    REGION + "  toolgate:agents: [assistant]": "must be a map, not ['assistant']. Write a `name: value` a line",
    REGION + "  toolgate:agents:\n    a:": "agents.a: must be a map, not None. Leave the key out instead, or write {}",
    REGION + "  toolgate:agents:\n    1: {}": "line 4: the key 1 must be text",
    REGION + "  toolgate:agents: {a: {tools: math}}": "tools: must be a list, not 'math'. Write each item",
    REGION + "  toolgate:agents: {a: {tools: '[math]'}}": "tools: must be a list, not '[math]'. Write each item",
    REGION + "  toolgate:agents: {a: {tools: [math__greeting]}}": "is neither a target nor a tool. Targets: math.",
    REGION
    + "  toolgate:agents: {a-b: {}, a_b: {}}": "gets the same runtime name 'toolgate_try_a_b' as 'a-b'. Rename one.",
    REGION + "  toolgate:agents: '{a: {}}'": "toolgate:agents: must be a map of agents",
    REGION + "  toolgate:modelId: {secure: v1:abc}": "toolgate:modelId is encrypted and cannot be read here",
    REGION + "  toolgate:modelId: claude": "'claude' is no model id. Write an inference profile's id",
    REGION + "  toolgate:authorization: Tool": "'Tool' is not one of 'gateway', 'tool'.",
    REGION + "  toolgate:protect: yes": "toolgate:protect must be of type boolean",
    REGION + "  toolgate:tags: {cost: 42}": "toolgate:tags.cost: must be a string, not 42. Put it in quotes.",
    REGION + "  toolgate:tags: [{Key: a}]": "toolgate:tags: must be a map",
    REGION + "  toolgate:kmsKey: alias/mine": "is no ARN of a KMS key. Write one like arn:aws:kms:",
    REGION + "  toolgate:network: vpc-1": "toolgate:network: must be a map of subnets and securityGroups",
    REGION + "  toolgate:targets: {math: {timeout: 30s}}": "not '30s'. Write it without quotes and without a unit.",
    REGION + "  toolgate:targets: {math: {timeout: 1e999}}": "line 3: the number 1e999 is too large",
    REGION + "  pulumi:disable-default-providers: ['*']": "is not reproduced here; leave it out",
    REGION + "environment: [prod]": "`environment` takes values from Pulumi ESC",
    "": "no Region: write `aws:region: us-east-1`",
}
NO_MISTAKES = [
    "x-tools: &t [math]\n" + REGION + "  toolgate:agents: {a: {tools: *t}, b: {tools: *t}}",
    REGION + "  toolgate:agents:\n    a: &a {tools: [math]}\n    b: {<<: *a}",
    REGION + '  toolgate:protect: "true"',
    REGION + '  toolgate:agents: {"1": {}}',
]


class _NoRules:
    def violations(self, *_: Any, **__: Any) -> list[Any]:
        return []


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample, whose program is run and whose rules are not."""

    @contextmanager
    def running(*_: Any, **__: Any) -> Iterator[_NoRules]:
        yield _NoRules()

    monkeypatch.setattr(pack_process, "running", running)
    ours = shutil.ignore_patterns(".cache", ".local", "__pycache__", "dist")
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample", ignore=ours))


@pytest.mark.parametrize("written", MISTAKES)
def test_a_mistake_is_one_line_with_what_to_write(written: str, root: Path) -> None:
    (root / "Pulumi.try.yaml").write_text(f"{written}\n" if written else "")
    with pytest.raises(ProgramError) as raised:
        plan("try", root=root)
    said = str(raised.value)
    assert MISTAKES[written] in said
    assert "\n" not in said
    assert "__main__.py" not in said


@pytest.mark.parametrize("written", NO_MISTAKES)
def test_what_only_looks_odd_is_planned(written: str, root: Path) -> None:
    (root / "Pulumi.try.yaml").write_text(written)
    assert plan("try", root=root).deployment["deployment"]["resources"]
