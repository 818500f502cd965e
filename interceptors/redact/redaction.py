"""Takes card numbers, e-mail addresses and secrets out of texts and of JSON: standard library only.

It is for what slips into a tool's answer. Who wants to get a secret past it can (base64 is enough), and what has no
form of its own and no name before it, such as a bare password in a sentence, is not found. How much is found, and how
much else is taken for it, is measured on `tests/labelled.txt`, and on `tests/held_out.txt`, whose head has the figures
from before anything was changed for it. Your own kind is one more function that yields spans, and its line in `_KINDS`.

Every pattern takes time that grows with the text alone: no quantifier stands in another one, and what has no upper
bound gives nothing back (possessive) and begins where the same run of characters cannot begin again.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CARD_NUMBER = "[card number]"
EMAIL_ADDRESS = "[e-mail address]"
SECRET = "[secret]"  # noqa: S105  # what is shown instead of one

Span = tuple[int, int]

# Texts of one answer are read in one go: no kind reaches over this character, and no text has it (else they are not).
_BETWEEN = "\0"
_SHORTEST = len("a@b.co")


def masked(text: str) -> str:
    """The text with `[card number]`, `[e-mail address]` and `[secret]` instead of those; JSON is read as JSON."""
    made: str = masked_value(text)
    return made


def masked_value(value: Any) -> Any:
    """The same JSON without them: in its texts, in the JSON inside a text, in its names, and in its whole numbers.

    What a name such as `password` calls a secret is one, whatever it looks like.

    Args:
        value: What `json.loads` gives; it is not changed.
    """
    found = _Texts({}, {}, {})
    _collect(value, found)
    names = _all_scanned(found.names)
    shown = _Shown(
        names={name: (names[name], names_secret(name)) for name in names},
        texts={text: it for text, it in _all_scanned(found.texts).items() if it != text},
        parsed=found.parsed,
    )
    return shown.value(value, "")


@dataclass(frozen=True)
class _Texts:
    """What stands in a value: names of members, texts, and texts that are JSON with what they say."""

    names: dict[str, None]
    texts: dict[str, None]
    parsed: dict[str, Any]


def _collect(value: Any, into: _Texts) -> None:
    if isinstance(value, str):
        if len(value) < _SHORTEST or value in into.texts or value in into.parsed:
            return
        inner = _json_of(value)
        if inner is None:
            into.texts[value] = None
        else:
            into.parsed[value] = inner
            _collect(inner, into)
    elif isinstance(value, dict):
        into.names.update(dict.fromkeys(value))
        for it in value.values():
            _collect(it, into)
    elif isinstance(value, list):
        for it in value:
            _collect(it, into)
    elif _may_be_card(value):
        into.texts[str(value)] = None


@dataclass(frozen=True)
class _Shown:
    """What is shown instead.

    Attributes:
        names: Of each name of a member: what is shown, and whether it names a secret.
        texts: Of the texts with something in them.
        parsed: The texts that are JSON, and what they say.
    """

    names: dict[str, tuple[str, bool]]
    texts: dict[str, str]
    parsed: dict[str, Any]

    def value(self, value: Any, name: str, *, secret: bool = False) -> Any:
        """A value that a member with this name holds."""
        if isinstance(value, str):
            return self._text(value, secret)
        if isinstance(value, dict):
            made: dict[str, Any] = {}
            for key, it in value.items():
                shown, is_secret = self.names[key]
                made[_free(shown, made) if shown != key else key] = self.value(it, key, secret=is_secret)
            return made
        if isinstance(value, list):
            return [self.value(it, name, secret=secret) for it in value]
        if secret and type(value) is int and "pass" in name.lower():
            return SECRET
        return self.texts.get(str(value), value) if _may_be_card(value) else value

    def _text(self, text: str, secret: bool) -> str:
        if text in self.parsed:
            inner = self.value(self.parsed[text], "")
            return text if inner == self.parsed[text] else json.dumps(inner, ensure_ascii=False)
        if secret and not _stands_for_one(text):
            return SECRET
        return self.texts.get(text, text)


def _free(name: str, taken: dict[str, Any]) -> str:
    # Two addresses that were names of one object stay two.
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _json_of(text: str) -> Any:
    """The object or array that a text is, else None."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two members with one name the first would not be looked at, and shown.
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return made


def _may_be_card(value: Any) -> bool:
    return isinstance(value, int) and 10**11 <= value < 10**19


def _all_scanned(texts: Iterable[str]) -> dict[str, str]:
    # One long text is looked through much faster than many short ones.
    several = list(texts)
    if not several or any(_BETWEEN in text for text in several):
        return {text: _scanned(text) for text in several}
    return dict(zip(several, _scanned(_BETWEEN.join(several)).split(_BETWEEN), strict=True))


def _scanned(text: str) -> str:
    spans = sorted((start, end, mask) for mask, find in _KINDS for start, end in find(text))
    pieces, at = [], 0
    for start, end, mask in spans:
        if start >= at:
            pieces += [text[at:start], mask]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _starts(text: str, words: Iterable[str]) -> list[int]:
    """Where the words begin: looking for each alone is faster than any pattern that looks for all."""
    starts = []
    for word in words:
        at = text.find(word)
        while at >= 0:
            starts.append(at)
            at = text.find(word, at + 1)
    return sorted(starts)


# Card numbers

# Digits, and what people put between their groups: blanks of several widths, hyphens and dashes, dots, a line's end.
_DIGITS = re.compile(r"\d[\d \n\r.\-\u00a0\u2007\u2009\u202f\u2010-\u2014]{11,}+")
_ASCII_DIGITS = re.compile(r"[0-9][0-9 \n\r.\-]{11,}+")
_GROUP = re.compile(r"\d++")
_SHORTEST_NUMBER, _LONGEST_NUMBER, _FIRST_DIGITS = 12, 19, "234569"
# First digits and lengths that networks give (ISO/IEC 7812-1 for the form; the networks' published ranges): without
# them a tenth of all long numbers would be card numbers.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:30[0-5]|309|36\d|3[89]\d)\d{11,16}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d{2}|62\d{2}|35(?:2[89]|[3-8]\d))\d{12,15}"  # Discover, UnionPay, JCB
    r"|(?:5018|5020|5038|5[678]\d{2}|6304|6390|67\d{2})\d{8,15}"  # Maestro
    r"|(?:220[0-4]|9792)\d{12}"  # Mir, Troy
)
# Twice a digit, the digits of that added up.
_DOUBLED = str.maketrans("0123456789", "0246813579")
# A run of digits inside of a hash or an identifier is no number of its own.
_LETTERS_BEFORE, _LETTERS_AFTER = re.compile(r"\d[A-Za-z]{1,40}+\Z"), re.compile(r"[A-Za-z]{1,40}+\d")


def _card_numbers(text: str) -> Iterator[Span]:
    for stretch in (_ASCII_DIGITS if text.isascii() else _DIGITS).finditer(text):
        groups = [it.span() for it in _GROUP.finditer(text, *stretch.span())]
        digits = "".join(it if it.isascii() else str(int(it)) for it in stretch.group() if it.isdecimal())
        first, at = 0, 0
        while first < len(groups):
            last = _last_group(text, groups, first, digits[at : at + _LONGEST_NUMBER])
            if last is not None:
                yield groups[first][0], groups[last][1]
            for start, end in groups[first : (first if last is None else last) + 1]:
                at += end - start
                first += 1


def _last_group(text: str, groups: list[Span], first: int, digits: str) -> int | None:
    """The last group of the longest card number that begins with a group and the digits from there on."""
    start = groups[first][0]
    if digits[0] not in _FIRST_DIGITS or (first and text[groups[first - 1][1] : start] == "."):  # a fraction
        return None
    found, length = None, 0
    for last in range(first, len(groups)):
        length += groups[last][1] - groups[last][0]
        if length > len(digits):
            break
        if length >= _SHORTEST_NUMBER and _NETWORKS.fullmatch(digits, 0, length) and passes_luhn(digits[:length]):
            found = last if _stands_alone(text, start, groups[last][1]) else found
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the groups are set apart in one way, but for a line's end, and are not part of something longer."""
    between = [it for it in text[start:end] if not it.isdigit()]
    return (
        len(set(between) - {"\n", "\r"}) <= 1
        and between.count("\n") <= 1
        and not _LETTERS_BEFORE.search(text, max(0, start - 40), start)
        and not _LETTERS_AFTER.match(text, end, end + 40)
    )


def passes_luhn(digits: str) -> bool:
    """Whether the check digit at the end is right (ISO/IEC 7812-1, annex B)."""
    return (sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10 == 0


# E-mail addresses

# Letters of alphabets, not of scripts that are written without blanks: there the address begins within a sentence.
# It is read backwards; `%2B` is the plus sign of an address in a URL.
_LOCAL = re.compile(r"(?:[Bb]2%|[0-9A-Za-z_\u00c0-\u1fff.+'-]){1,256}+")
_DOMAIN = re.compile(r"[0-9A-Za-z_\u00c0-\u1fff.-]{3,253}+")
_SPELLED_OUT = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,256}+ ?[\[(]at[\])] ?[\w-]{1,63}+(?: ?[\[(]dot[\])] ?|\.)[A-Za-z]{2,24}+", re.IGNORECASE
)
# Pictures (logo@2x.png) and systemd's units (getty@tty1.service) look like addresses.
_NO_DOMAINS = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".service", ".socket", ".timer", ".target", ".mount")


def _email_addresses(text: str) -> Iterator[Span]:
    for at in _starts(text, ("@", "%40")):
        begin = at + (1 if text[at] == "@" else 3)
        before = _LOCAL.match(text[max(0, at - 256) : at][::-1])
        after = _DOMAIN.match(text, begin)
        if not before or not after:
            continue
        local = before.group()[::-1].lstrip(".+'-")
        domain = after.group().rstrip("._-")
        start, end = at - len(local), begin + len(domain)
        if local and _is_domain(domain) and not _is_login(text, start, end):
            yield start, end
    if "at]" in text or "at)" in text:
        yield from (it.span() for it in _SPELLED_OUT.finditer(text))


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    last = labels[-1]
    return (
        len(labels) > 1
        and all(it and it[0] != "-" and it[-1] != "-" for it in labels)
        and (last.startswith("xn--") or (last.isalpha() and len(last) > 1))
        and not domain.lower().endswith(_NO_DOMAINS)
    )


def _is_login(text: str, start: int, end: int) -> bool:
    """Whether it is what a URL logs in with (`https://user@host`, `https://user:password@host`, `git@host:path`)."""
    _, scheme, user = text[max(0, start - 128) : start].rpartition("://")
    in_url = bool(scheme) and not any(it in "/@\0" or it.isspace() for it in user)
    return in_url or (text[start : start + 4] == "git@" and text[end : end + 1] == ":")


# Secrets

# Forms that services give their keys, so that they are found. (AIDA, AROA and their like are names, no keys.)
_KEYS = {
    **dict.fromkeys(("AKIA", "ASIA"), r"[A-Z0-9]{16}(?![A-Z0-9])"),  # AWS (IAM user guide, "IAM identifiers")
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"), r"[A-Za-z0-9]{36,}+"),
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"\w{10,}+"),
    **dict.fromkeys(("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"), r"[\w-]{10,}+"),
    **dict.fromkeys(("glpat-", "ya29.", "pypi-"), r"[\w-]{16,}+"),
    "github_pat_": r"\w{22,}+",
    "hooks.slack.com/services/": r"[\w/]{20,}+",
    "whsec_": r"\w{16,}+",
    "sk-": r"[\w-]{32,}+",
    "SG.": r"[\w-]{16,}+\.[\w-]{16,}+",
    "AIza": r"[\w-]{35}",
    "hf_": r"\w{30,}+",
    "dop_v1_": r"\w{64}",
    **dict.fromkeys(("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9a-fA-F]{32}"),  # Shopify
    **dict.fromkeys(("hvs.", "hvb.", "hvr."), r"[\w-]{24,}+"),  # HashiCorp Vault
    "eyJ": r"[\w-]{8,}+\.[\w-]{2,}+\.[\w-]{10,}+",  # a JSON Web Token, or a cookie that is signed alike
}
_KEY = re.compile("|".join(f"{re.escape(start)}(?:{rest})" for start, rest in _KEYS.items()), re.ASCII)
_HOOK = "hooks.slack.com/services/"
_AWS_SECRET = re.compile(r"(?<![\w/+=-])[A-Za-z0-9/+]{40}(?![\w/+=-])", re.ASCII)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_END = re.compile(r"-----END [A-Z ]{0,60}+-----")
_USER = re.compile(r"://[^\s:/@\0\"']{0,128}+:(?P<value>[^\s/@\0\"']{1,256}+)@")
# A login on a command line: `curl -u name:value`, `docker login -u name -p value`.
_LOGIN = re.compile(
    r"(?<![\w-])-(?:u|-user(?:name)?) ?+[\"']?+[\w.@+-]{1,64}+(?::| -(?:p|-password)[ =])(?P<value>[^\s\"'\0]{1,256}+)"
)
# The next two read the text in small letters.
_SCHEME = re.compile(r"b(?:earer|asic) {1,3}+(?P<value>[\w.~+/-]{8,}+={0,2}+)", re.ASCII)
_KINDS_OF_KEYS = ("api", "access", "secret", "private", "encryption", "signing", "account", "auth")
_PASSWORDS = (
    *("password", "passwd", "passphrase", "passwort", "passcode", "pass", "pwd", "kennwort", "mot de passe"),
    *(
        "contrase\u00f1a",
        "has\u0142o",
        "\u043f\u0430\u0440\u043e\u043b\u044c",
        "\u30d1\u30b9\u30ef\u30fc\u30c9",
        "\u5bc6\u7801",
    ),
    "identified by",  # SQL: CREATE USER, ALTER USER
)
# Whoever has a URL that is signed may do what it says.
_SIGNATURES = ("x-amz-signature", "x-goog-signature", "&signature", "?signature", "&sig", "?sig")
_WORDS = (*_PASSWORDS, "secret", "token", "sessionid", "session_id", "session", *_SIGNATURES, "key")
# Which one of several it is: DB_PASSWORD_PROD, API_KEY_2, SECRET_KEY_BASE.
_WHICH = r"(?:base|prod|production|staging|stage|test|dev|old|new|live|[0-9]{1,2})"
_FIRST_WORDS = [it for it in _WORDS if not any(it.startswith(other) and it != other for other in _WORDS)]
_NAMED = re.compile(
    f"(?P<name>{'|'.join(map(re.escape, _WORDS))})(?:[_-]?{_WHICH})?+"
    r"\\{0,3}+[\"']?+(?P<sign>[ \t\u00a0]{0,3}+(?:is ?+)?+[=:>\uff1a][ \t]{0,3}+"
    r"| (?:is|ist|lautet|est|es|\u00e8) |(?:(?<=token)|(?<=password)|(?<=identified by)) )"
    r"\\{0,3}+(?:\"(?P<double>[^\"\n\0]++)|'(?P<single>[^'\n\0]++)|(?P<bare>[^\s\"'&;,<>\0]++))"
)
_MORE, _NEXT_PARAMETER = re.compile(r"&[^\s\"'&;,<>\0]*+"), re.compile(r"&[\w.%-]{1,64}+=")
_NAMES = (
    *("password", "passwd", "passphrase", "passwort", "passcode", "pwd", "kennwort", "secret", "token"),
    *(f"{kind}key" for kind in _KINDS_OF_KEYS),
)
_NO_TOKEN = ("next", "page", "pagination", "continuation", "idempotency", "request", "client", "sync")
"""Before `token`: what says where a list goes on, or which request is the same one. No secret."""
_LAST_WHICH = re.compile(rf"{_WHICH}\Z")
_NO_SIGNS = str.maketrans("", "", "-_. ")
# `****`, `<redacted>`, `${DB_PASSWORD}`, `{{ password }}`, `%(password)s`, `your-password`.
_STAND_IN = re.compile(
    r"<|\$[{(]|\{\{|%\(|\*{3}|your[-_ ]|(?:[*.\u2022]*+|x++|null|none|true|false|redacted|changeme)\Z", re.IGNORECASE
)


def names_secret(name: str) -> bool:
    """Whether a member of an object with this name holds a secret (`dbPassword`, `x-api-key`, `access_token`)."""
    plain = _LAST_WHICH.sub("", name.lower().translate(_NO_SIGNS))
    return plain == "pass" or (plain.endswith(_NAMES) and not plain.removesuffix("token").endswith(_NO_TOKEN))


def _secrets(text: str) -> Iterator[Span]:
    yield from _private_keys(text)
    end = 0
    for start in _starts(text, _KEYS):
        if start >= end and not _goes_on(text, start) and (it := _KEY.match(text, start)):
            end = it.end()
            yield start + (len(_HOOK) if text.startswith(_HOOK, start) else 0), end
    if "AKIA" in text or "ASIA" in text:  # alone it looks like any other forty characters
        yield from (it.span() for it in _AWS_SECRET.finditer(text) if _is_mixed(it.group()))
    if "://" in text:
        yield from (it.span("value") for it in _USER.finditer(text) if not _stands_for_one(it["value"]))
    if "-u" in text:
        for it in _LOGIN.finditer(text):
            value = it["value"]
            if len(value) > 5 and _has_digit(value) and not value.isdigit() and not _stands_for_one(value):
                yield it.span("value")
    small = text.replace("\u0130", "I").lower()  # the only letter that becomes two
    for it in _SCHEME.finditer(small):
        value = text[slice(*it.span("value"))]
        if not _goes_on(small, it.start()) and (_has_digit(value) or _is_mixed(value)):
            yield it.span("value")
    yield from _named(text, small)


def _goes_on(text: str, at: int) -> bool:
    """Whether a word does not begin there, but goes on."""
    return at > 0 and (text[at - 1].isalnum() or text[at - 1] == "-")


def _private_keys(text: str) -> Iterator[Span]:
    at = 0
    while begin := _PRIVATE_KEY.search(text, at):
        limit = text.find(_BETWEEN, begin.end())
        limit = len(text) if limit < 0 else limit
        end = _END.search(text, begin.end(), limit)
        at = end.end() if end else limit  # one that was cut off is one all the same
        yield begin.start(), at


def _named(text: str, small: str) -> Iterator[Span]:
    at = 0
    for begin in _starts(small, _FIRST_WORDS):
        it = _NAMED.match(small, begin) if begin >= at else None
        if it is None:
            continue
        form = it.lastgroup or ""
        start, at = it.span(form)
        if form == "bare":
            while (more := _MORE.match(text, at)) and not _NEXT_PARAMETER.match(text, at):
                at = more.end()
        value = text[start:at].rstrip("." if form == "bare" else "\\")
        before = small[max(0, it.start() - 16) : it.start()]
        if text.endswith(("...", "\u2026"), start, at) and not _has_digit(value):  # `sk_live_...` says how one begins
            continue
        if "://" in before and not any(sign.isspace() or sign in "/?#" for sign in before.rpartition("://")[2]):
            value = value.rpartition("@")[0] or value  # `https://token:value@host`: the host is no part of it
        if _is_named_secret(it["name"], it["sign"], form, value, before):
            yield start, start + len(value)


def _is_named_secret(name: str, sign: str, form: str, value: str, before: str) -> bool:
    kind = before.rstrip("-_ ")
    other = (name == "token" and kind.endswith(_NO_TOKEN)) or (name == "key" and not kind.endswith(_KINDS_OF_KEYS))
    if other or _stands_for_one(value) or before.endswith(":"):  # an ARN has its parts between colons
        return False
    if name in _SIGNATURES:
        return len(value) >= 16
    if name.startswith("session") or name == "pass":
        return not before[-1:].isalpha() and len(value) >= (6 if name == "pass" else 16) and _has_digit(value)
    if sign == " " or sign.strip().isalpha():
        return _is_said_secret(name, sign, form, value, before)
    if form != "bare":
        return len(value) > 2
    # With no blank around the sign any value will do; in a sentence or in code the next word may stand there: a secret
    # has a digit.
    return len(value) > 3 and "(" not in value if sign == "=" else len(value) > 5 and _has_digit(value)


def _is_said_secret(name: str, sign: str, form: str, value: str, before: str) -> bool:
    """Whether what follows a name with no sign, but a blank or `is`, is a secret."""
    if name == "identified by":
        return form != "bare"
    if sign != " ":  # `the password is hunter2`; of tokens and keys it is rather said what they are like
        return name in _PASSWORDS and len(value) > 5 and _has_digit(value) and not value.isdigit()
    return len(value) > (5 if before.endswith("--") else 19) and _has_digit(value)


def _stands_for_one(value: str) -> bool:
    """Whether it stands where a secret would stand, and is none."""
    value = value.strip()
    return bool(_STAND_IN.match(value)) or (value.startswith("[") and value.endswith("]"))  # `[secret]` itself


def _has_digit(value: str) -> bool:
    return any(it.isdigit() for it in value)


def _is_mixed(value: str) -> bool:
    """Whether it has small and capital letters, and is no word with one capital letter in front."""
    return value[1:] != value[1:].lower() and value != value.upper()


_KINDS = ((SECRET, _secrets), (CARD_NUMBER, _card_numbers), (EMAIL_ADDRESS, _email_addresses))
