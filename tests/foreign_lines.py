"""Lines of foreign formats, alone and with the log strings that came with them, and what they say."""

from __future__ import annotations

from typing import Any

from frames import START

from lake.formats import w3c

SECOND = 1_000_000
NOON = int(START.timestamp()) * SECOND
CLF = "01/Jan/2026:12:00:00 +0000"
ISO = "2026-01-01T12:00:00Z"
EPOCH = int(START.timestamp())
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
COMMON = f'203.0.113.7 - - [{CLF}] "GET /product/p7 HTTP/1.1" 200 512'
COMBINED = f'{COMMON} "https://shop.example/" "{AGENT}"'
READ = {
    "ip_address": "203.0.113.7",
    "action": "view_product",
    "product_id": "p7",
    "status_code": 200,
    "bytes": 512,
    "user_agent": AGENT,
    "response_ms": None,
    "host": None,
    "given_id": None,
    "time": NOON,
}
"""What the lines below say, but for what each has beside it."""
NO_AGENT: dict[str, Any] = {"user_agent": None}
MS_12 = {"response_ms": 12}
HAPROXY = "203.0.113.7:51034 [01/Jan/2026:12:00:00.000] web~ shop/app1 0/0/1/{} - - ---- 2/2/0/0/0 0/0 {}"
GET = '"GET /product/p7 HTTP/1.1"'
ALB = (
    f"https {ISO} app/shop/50dc 203.0.113.7:46532 10.0.0.66:80 0.001 0.012 0.000 200 200 34 512 "
    f'"GET https://shop.example:443/product/p7 HTTP/2.0" "{AGENT}" ECDHE-RSA TLSv1.2 arn:aws:tg "{{}}" "shop.example" '
    f'"arn:aws:cert" 0 {ISO} "forward" "-" "-" "10.0.0.66:80" "200" "-" "-" TID_1'
)
S3 = (
    f"79a5 assets [{CLF}] 203.0.113.7 - 3E57 REST.GET.OBJECT product/p7 {GET} 200 - 512 512 12 11 "
    f'"-" "{AGENT}" - s9lz SigV4 ECDHE AuthHeader assets.s3.example TLSV1.2 - -'
)
GCS = (
    f'"{EPOCH}000000","203.0.113.7","1","","GET","/product/p7","200","0","512","12000","storage.example","","{AGENT}",'
    '"AAA","GET_Object","assets","p7"'
)
ENVOY = f'[{ISO}] {GET} 200 - 0 512 12 11 "203.0.113.7" "{AGENT}" "9c1f" "shop.example:8443" "10.0.0.5:80"'
LINES: list[tuple[str, str, dict[str, Any]]] = [
    ("access_log", COMMON, NO_AGENT),
    ("access_log", COMBINED, {}),
    ("access_log", COMBINED.replace("GET /", "GET http://shop.example:80/"), {"host": "shop.example"}),
    ("ingress_nginx", f"{COMBINED} 431 0.012 [shop-web-80] [] 10.0.0.9:80 512 0.012 200 a1b2", MS_12),
    (
        "ingress_nginx",
        f"{COMBINED} 431 0.012 [shop-web-80] [] 10.0.0.8:80, 10.0.0.9:80 0, 512 0.002, 0.010 502, 200 a1b2",
        MS_12,
    ),
    (
        "ingress_nginx",
        f"{COMBINED.replace(' - - ', ' - [203.0.113.7] - - ')} 431 0.012 [shop-web-80] a 1 0.012 200",
        MS_12,
    ),
    ("combined_more", f"198.51.100.9 {COMBINED} 0.012", {**MS_12, "ip_address": "198.51.100.9"}),
    ("access_log", COMBINED.replace(AGENT, 'a "b" 1.0 c'), {"user_agent": 'a "b" 1.0 c'}),
    ("access_log", f"shop.example:443 {COMBINED}", {"host": "shop.example"}),
    ("traefik", f'{COMBINED} 17 "shop@docker" "http://10.0.0.9:80" 12ms', MS_12),
    ("combined_more", f'{COMBINED} "-" rt=0.012 uct="0.000" urt="0.012"', MS_12),
    ("combined_more", f'{COMBINED} rt=0.012 uct="-" urt="-"', MS_12),
    ("combined_more", f'{COMBINED} "-" 0.012 TLSv1.3', MS_12),
    ("combined_more", f'{COMBINED} "-" "0.012"', MS_12),
    ("combined_more", f"{COMBINED} 0.012 0.011", MS_12),
    ("combined_more", f"{COMBINED} 12034", {}),
    ("combined_more", f"shop.example:443 {COMBINED} 0.012", {**MS_12, "host": "shop.example"}),
    ("combined_more", COMBINED.replace(' "https', ' 634 0.012 "https'), MS_12),
    ("combined_more", COMBINED.replace(' "https', ' 634 "https'), {}),
    ("combined_more", f"{COMMON} 0.012", {**NO_AGENT, **MS_12}),
    ("combined_more", f"{COMMON} 1736", NO_AGENT),
    ("litespeed", f'"{COMBINED}"', {}),
    ("litespeed", f'"shop.example:443 {COMBINED}"', {"host": "shop.example"}),
    (
        "nginx_proxy_manager",
        f'[{CLF}] - 200 200 - GET https shop.example "/product/p7" [Client 203.0.113.7] [Length 512] [Gzip 2.1] '
        f'[Sent-to 10.0.0.9] "{AGENT}" "-"',
        {"host": "shop.example"},
    ),
    (
        "nginx_proxy_manager",
        f'[{CLF}] 200 - GET http shop.example "/product/p7" [Client 203.0.113.7] [Length 512] [Gzip -] "{AGENT}" "-"',
        {"host": "shop.example"},
    ),
    ("haproxy", HAPROXY.format("10/12 200 512", GET), {**NO_AGENT, **MS_12}),
    ("haproxy", HAPROXY.format("10/12 200 512", f"{{}} {{}} {GET}"), {**NO_AGENT, **MS_12}),
    ("haproxy", HAPROXY.format("10/+12 200 +512", f"{{a}} {GET}"), {**NO_AGENT, **MS_12}),
    ("haproxy", HAPROXY.format("10/+12 200 +512", GET), {**NO_AGENT, **MS_12}),
    (
        "haproxy",
        HAPROXY.format("10/12 200 512", f"{{{AGENT}|https://a.example/|Shop.Example:443}} {{}} {GET}"),
        {**MS_12, "host": "shop.example"},
    ),
    ("aws_alb", ALB.format("Root=1-1"), {**MS_12, "host": "shop.example"}),
    ("aws_alb", ALB.format("Self=1-2;Root=1-1"), {**MS_12, "host": "shop.example", "given_id": "1-2"}),
    ("aws_elb", ALB.format("-").removeprefix("https ").split(" arn")[0], {**MS_12, "host": "shop.example"}),
    ("aws_s3", S3, {**MS_12, "host": "assets.s3.example"}),
    ("aws_s3", S3.removesuffix(" SigV4 ECDHE AuthHeader assets.s3.example TLSV1.2 - -"), MS_12),
    ("gcs", GCS, {**MS_12, "host": "storage.example"}),
    ("envoy", ENVOY, {**MS_12, "host": "shop.example"}),
    (
        "envoy",
        ENVOY.replace(" - 0 512", ' - via_upstream - "-" 0 512') + " outbound|80||web 10.0.0.1:4 - default",
        {**MS_12, "host": "shop.example"},
    ),
    (
        "squid",
        f"{EPOCH}.000     12 203.0.113.7 TCP_MISS/200 512 GET http://shop.example/product/p7 - DIRECT/10.0.0.9 -",
        {**NO_AGENT, **MS_12, "host": "shop.example"},
    ),
    (
        "ltsv",
        f"time:{CLF}\thost:203.0.113.7\treq:GET /product/p7 HTTP/1.1\tstatus:200\tsize:512\tua:{AGENT}\treqtime:0.012"
        "\tvhost:shop.example",
        {**MS_12, "host": "shop.example"},
    ),
    (
        "ltsv",
        f"time:[{CLF}]\thost:203.0.113.7\treq:GET /product/p7 HTTP/1.1\tstatus:200\tsize:512\tua:{AGENT}",
        {},
    ),
    (
        "ltsv",
        f"status:200\tmethod:GET\turi:/product/p7\tquery:a=b:c\ttime:{ISO}\tremote_addr:203.0.113.7\tsize:512\tua:{AGENT}\t"
        "reqtime_microsec:12000",
        MS_12,
    ),
]
IIS = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken X-Forwarded-For"
)
CLOUDFRONT = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for"
)
DECLARED: list[tuple[str, str, dict[str, Any]]] = [
    (
        w3c.string_of(IIS, " "),
        f"2026-01-01 12:00:00 10.0.0.1 GET /product/p7 a=1 443 - 10.0.0.2 {AGENT.replace(' ', '+')} - 200 0 0 12 "
        "198.51.100.9,+203.0.113.7",
        {**MS_12, "bytes": None},
    ),
    (
        w3c.string_of(CLOUDFRONT, "\t"),
        "\t".join(
            (
                *(
                    "2026-01-01",
                    "12:00:00",
                    "LHR5-P2",
                    "512",
                    "203.0.113.7",
                    "GET",
                    "d1.cloudfront.example",
                    "/product/p7",
                ),
                *("200", "-", AGENT.replace(" ", "%20"), "-", "-", "Hit", "Rq1==", "shop.example", "https", "23"),
                *("0.012", "-"),
            )
        ),
        {**MS_12, "host": "shop.example", "given_id": "Rq1=="},
    ),
    (
        "{time}|{ip_address}|{host}|{response_time}|{bytes}|{user_agent}|{method}|{url}|{status_code}",
        f"{EPOCH}.000|203.0.113.7|-|0.012|512|{AGENT}|GET|https://shop.example/product/p7|200",
        {**MS_12, "host": "shop.example"},
    ),
    (
        "{time} [client {forwarded_for}] {request} {status_code} {bytes} {user_agent} t={_numbers} us={response_us}",
        f"{CLF} [client 203.0.113.7, 10.0.0.1] GET /product/p7?q=a b HTTP/1.1 200 512 {AGENT} t=0.1, 0.2 : - us=12345",
        MS_12,
    ),
    (
        '{open}"at":"{time}"{close} {ip_address} {url} {status_code} {bytes}',
        f'{{"at":"{ISO}"}} 203.0.113.7 /product/p7 200 512',
        NO_AGENT,
    ),
]
