"""Log strings of nginx: ``log_format`` as it stands in nginx.conf, or its string alone."""

from __future__ import annotations

import re

from lake.errors import FormatError, shown
from lake.formats.strings.parts import (
    ADDRESS_FIRST,
    ADDRESS_IN_HEADER,
    ADDRESS_IN_LIST,
    PATH,
    WHOLE_URL,
    Part,
    Variable,
)

RANKS: dict[str, dict[str, int]] = {
    "remote_addr": {"ip_address": ADDRESS_FIRST},
    "proxy_protocol_addr": {"ip_address": 1},
    "realip_remote_addr": {"ip_address": 2},
    "http_x_real_ip": {"ip_address": ADDRESS_IN_HEADER},
    "http_cf_connecting_ip": {"ip_address": ADDRESS_IN_HEADER},
    "http_true_client_ip": {"ip_address": ADDRESS_IN_HEADER},
    "http_x_forwarded_for": {"forwarded_for": 0, "ip_address": ADDRESS_IN_LIST},
    "proxy_add_x_forwarded_for": {"forwarded_for": 1, "ip_address": ADDRESS_IN_LIST},
    "remote_user": {"user_id": 0},
    "time_iso8601": {"time": 0},
    "time_local": {"time": 0},
    "msec": {"time": 1},
    "request": {"request": 0},
    "request_method": {"method": 0},
    "request_uri": {"url": WHOLE_URL},
    "uri_with_args": {"url": WHOLE_URL},
    "uri": {"url": PATH},
    "document_uri": {"url": PATH},
    "args": {"query": 0},
    "query_string": {"query": 0},
    "status": {"status_code": 0},
    "body_bytes_sent": {"bytes": 0},
    "bytes_sent": {"bytes": 1},
    "request_time": {"response_time": 0},
    "http_referer": {"referrer": 0},
    "http_user_agent": {"user_agent": 0},
    "host": {"host": 0},
    "http_host": {"host": 1},
    "server_name": {"host": 2},
    "http_x_forwarded_host": {"host": 3},
}
"""Variable -> the fields that it can be, with its rank among the variables that can be the same.

All others are skipped: they may be the user's own.
"""
TEXTS = (
    r"upstream_addr|request|time_local|http_(?:cookie|user_agent|x_forwarded_for|accept.*|via|sec_ch_ua.*|forwarded)"
    r"|proxy_add_x_forwarded_for|(?:sent_|upstream_)?http_(?:content_type|cache_control|set_cookie|date|expires)"
    r"|sent_http_last_modified|http_if_modified_since|content_type|request_body|ssl_client_[si]_dn|time_(?!iso8601).*"
)
"""Variables that can have blanks."""
NUMBERS = r"upstream_(?:\w+_time|status|response_length|bytes_received|bytes_sent)"
"""Variables of servers that nginx asks, with a number for each that it asked."""
PIECE = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
"""A string in quotes."""


def nginx_parts(pasted: str) -> list[Part]:
    """Return the parts of a string of nginx, which may be in pieces, and behind ``log_format`` and a name."""
    string, is_escaped = _string_of(pasted)
    parts: list[Part] = []
    for text, name in re.findall(r"([^$]+|\$(?!\{\w))|\$\{(\w+)\}", _simplified(string, is_escaped), re.ASCII):
        parts.append(text or _variable(name, is_escaped))
        if name == "uri_with_args" and is_escaped:
            parts.append(Variable("$args", otherwise="_dash"))
    return parts


def _string_of(pasted: str) -> tuple[str, bool]:
    """Return the string itself, and whether nginx writes dashes for nothing in it, which it does by default."""
    directive = re.search(r"""\blog_format\s+[^\s'"$;]+\s+(?:escape=(\w+)\s+)?""", pasted)
    head = directive or re.match(r"""(?:[\w-]+\s+)?(?:escape=(\w+)\s+)?(?=['"])""", pasted)
    body = pasted[head.end() :] if head else pasted
    pieces = re.match(rf"(?:\s*(?:{PIECE}|\#[^\n]*\n))+\s*(?:;|\Z)", body, re.DOTALL)
    strings = [single or double for single, double in re.findall(PIECE, pieces[0], re.DOTALL)] if pieces else []
    if strings and (directive or body.startswith("'") or len(strings) == 1 or "\n" in body):
        body = "".join(strings)
    elif directive and re.search("['\"]", body):
        raise FormatError(
            f"the quotes of the log string {shown(body)} do not close; paste all of it, up to its semicolon"
        )
    else:
        body = "".join(body.split(";")[0].split()) if directive else pasted
    body = re.sub(r"\\([\\'\"])", r"\1", body).replace(r"\t", "\t").replace(r"\n", "\n").replace(r"\r", "\r")
    return body, not (head and head[1] in ("json", "none"))


def _simplified(string: str, is_escaped: bool) -> str:
    """Return the string with one variable for some that together are one thing; all have braces then."""
    string = re.sub(r"\$(\w+)", r"${\1}", string, flags=re.ASCII)
    host = r"\$\{(?:host|http_host|server_name|http_x_forwarded_host)\}(?::\$\{server_port\})?"
    url = r"\$\{(?:request_uri|uri|document_uri)\}"
    scheme = r"(?:\$\{(?:scheme|http_x_forwarded_proto)\}|https?)"
    string = re.sub(rf"{scheme}://{host}(?={url})", "", string)  # the url then begins with them
    arguments = r"\$\{is_args\}\$\{(?:args|query_string)\}"
    string = re.sub(r"\$\{(?:document_)?uri\}" + arguments, "${uri_with_args}", string)
    whole = ["request_uri", *([] if is_escaped else ["uri_with_args"])]
    if not re.search(r"\$\{(?:args|query_string)\}", string):
        whole.append("uri")
    request = r"\$\{request_method\} \$\{(?:" + "|".join(whole) + r")\} \$\{server_protocol\}"
    return re.sub(request, "${request}", string)


def _variable(name: str, is_escaped: bool) -> Variable:
    is_list = is_escaped and re.fullmatch(NUMBERS, name)
    is_text = re.fullmatch(TEXTS, name) or re.fullmatch(NUMBERS, name)
    otherwise = "_numbers" if is_list else "_text" if is_text else "port" if name == "remote_port" else "_"
    called = "uri$is_args" if name == "uri_with_args" else name
    return Variable(f"${called}", RANKS.get(name, {}), otherwise)
