"""Log strings of nginx as people have them, each with a line that nginx wrote by it."""

from pasted_strings import Pasted

NGINX = (
    Pasted(
        "main",
        r"""    #log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
    #                  '$status $body_bytes_sent "$http_referer" '
    #                  '"$http_user_agent" "$http_x_forwarded_for"';""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" "LIST"',
        "ip_address user_id time request status_code bytes referrer user_agent forwarded_for",
        {},
    ),
    Pasted(
        "combined_by_hand",
        r"""log_format mine
    '$remote_addr - $remote_user [$time_local] ' '"$request" $status $body_bytes_sent ' '"'
    '$http_referer" "$http_user_agent"';""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT"',
        "ip_address user_id time request status_code bytes referrer user_agent",
        {},
    ),
    Pasted(
        "netdata_apm",
        r"""log_format netdata '$remote_addr - $remote_user [$time_local] '
                  '"$request" $status $body_bytes_sent '
                  '$request_length $request_time $upstream_response_time '
                  '"$http_referer" "$http_user_agent"';""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 255 0.000 - "REFERRER" "AGENT"',
        "ip_address user_id time request status_code bytes response_time referrer user_agent",
        {},
    ),
    Pasted(
        "pipes",
        r"""log_format pipes
    '$time_local|$remote_addr|$host|$request_time|$body_bytes_sent|$http_x_request_id|'
    '$http_user_agent|$http_referer|$server_addr|$request_method|$scheme://$host$request_uri|'
    '$upstream_addr|$upstream_response_time|$status';""",
        "TIME|ADDRESS|HOST|0.000|512|-|AGENT|REFERRER|ADDRESS|GET|http://HOSTTARGET|-|-|200",
        "time ip_address host response_time bytes user_agent referrer method status_code",
        {"url": "http://HOSTTARGET"},
    ),
    Pasted(
        "kv",
        r"""log_format kv
    'time_local="$time_local" http_method="$request_method" site="$server_name" src="'
    '$remote_addr" user="$remote_user" status="$status" bytes_out="'
    '$body_bytes_sent" http_referer="$http_referer" http_user_agent="'
    '$http_user_agent" uri_path="$uri" uri_query="$args" request_time="$request_time"';""",
        (
            'time_local="TIME" http_method="GET" site="HOST" src="ADDRESS" user="-" status="200"'
            ' bytes_out="512" http_referer="REFERRER" http_user_agent="AGENT" uri_path="/product/p1"'
            ' uri_query="ref=a%20b" request_time="0.000"'
        ),
        "time method host ip_address user_id status_code bytes referrer user_agent query response_time",
        {"url": "/product/p1"},
    ),
    Pasted(
        "splunk",
        r"""log_format splunk
    'site="$server_name" server="$host" dest_port="$server_port" dest_ip="$server_addr" '
                       'src="$remote_addr" src_ip="$realip_remote_addr" user="$remote_user" '
                       'time_local="$time_local" protocol="$server_protocol" status="$status" '
                       'bytes_out="$bytes_sent" bytes_in="$upstream_bytes_received" '
                       'http_referer="$http_referer" http_user_agent="$http_user_agent" '
                       'nginx_version="$nginx_version" http_x_forwarded_for="$http_x_forwarded_for" '
                       'http_x_header="$http_x_header" uri_query="$query_string" uri_path="$uri" '
                       'http_method="$request_method" response_time="$upstream_response_time" '
                       'cookie="$http_cookie" request_time="$request_time"';""",
        (
            'site="HOST" server="HOST" dest_port="28431" dest_ip="ADDRESS" src="ADDRESS" src_ip="ADDRESS"'
            ' user="-" time_local="TIME" protocol="HTTP/1.1" status="200" bytes_out="661" bytes_in="-"'
            ' http_referer="REFERRER" http_user_agent="AGENT" nginx_version="1.22.1"'
            ' http_x_forwarded_for="LIST" http_x_header="-" uri_query="ref=a%20b" uri_path="/product/p1"'
            ' http_method="GET" response_time="-" cookie="a=b; c=d" request_time="0.000"'
        ),
        "host ip_address user_id time status_code referrer user_agent forwarded_for query method response_time",
        {"bytes": "661", "url": "/product/p1"},
    ),
    Pasted(
        "timed",
        r"""log_format timed_combined '$remote_addr - $remote_user [$time_local] '
    '"$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" '
    '$request_time $upstream_response_time $pipe';""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" 0.000 - .',
        "ip_address user_id time request status_code bytes referrer user_agent response_time",
        {},
    ),
    Pasted(
        "apm",
        r"""log_format apm '"$time_local" client=$remote_addr '
               'method=$request_method request="$request" '
               'request_length=$request_length '
               'status=$status bytes_sent=$bytes_sent '
               'body_bytes_sent=$body_bytes_sent '
               'referer=$http_referer '
               'user_agent="$http_user_agent" '
               'upstream_addr=$upstream_addr '
               'upstream_status=$upstream_status '
               'request_time=$request_time '
               'upstream_response_time=$upstream_response_time '
               'upstream_connect_time=$upstream_connect_time '
               'upstream_header_time=$upstream_header_time';""",
        (
            '"TIME" client=ADDRESS method=GET request="REQUEST" request_length=255 status=200 bytes_sent=661'
            ' body_bytes_sent=512 referer=REFERRER user_agent="AGENT" upstream_addr=- upstream_status=-'
            " request_time=0.000 upstream_response_time=- upstream_connect_time=- upstream_header_time=-"
        ),
        "time ip_address request status_code bytes referrer user_agent response_time",
        {},
    ),
    Pasted(
        "upstreamlog",
        r"""log_format upstreamlog
    '[$time_local] $remote_addr - $remote_user - $server_name $host to: $upstream_addr: '
    '$request $status upstream_response_time $upstream_response_time msec $msec request_time '
    '$request_time';""",
        (
            "[TIME] ADDRESS - - - HOST HOST to: -: REQUEST 200 upstream_response_time - msec 1772334000.451"
            " request_time 0.000"
        ),
        "time ip_address user_id host request status_code response_time",
        {},
    ),
    Pasted(
        "no_blank",
        r"""log_format x
    '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent "$http_user_agent"rt='
    '$request_time';""",
        'ADDRESS [ISO] "REQUEST" 200 512 "AGENT"rt=0.000',
        "ip_address request status_code bytes user_agent response_time",
        {"time": "ISO"},
    ),
    Pasted(
        "ingress",
        r"""log-format-upstream:
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "'
    '$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] ['
    '$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length '
    '$upstream_response_time $upstream_status $req_id'""",
        (
            'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" 255 0.000 [up] [] - - - -'
            " bf8e31acf69cfe808899fff20f938f5d"
        ),
        "ip_address user_id time request status_code bytes referrer user_agent response_time",
        {},
    ),
    Pasted(
        "json",
        r"""log_format json_analytics escape=json '{'
  '"msec": "$msec", '
  '"time_iso8601": "$time_iso8601", '
  '"remote_addr": "$remote_addr", '
  '"request": "$request", '
  '"args": "$args", '
  '"status": $status, '
  '"body_bytes_sent": $body_bytes_sent, '
  '"http_referer": "$http_referer", '
  '"http_user_agent": "$http_user_agent", '
  '"upstream_response_time": "$upstream_response_time", '
  '"rt": $request_time'
'}';""",
        (
            '{"msec": "1772334000.451", "time_iso8601": "ISO", "remote_addr": "ADDRESS", "request":'
            ' "REQUEST", "args": "ref=a%20b", "status": 200, "body_bytes_sent": 512, "http_referer":'
            ' "REFERRER", "http_user_agent": "AGENT", "upstream_response_time": "", "rt": 0.000}'
        ),
        "ip_address request status_code bytes referrer user_agent response_time",
        {"time": "ISO"},
    ),
    Pasted(
        "json_odd",
        r"""log_format j escape=json
    '{"t":"$time_iso8601","a":"$remote_addr","m":"$request_method","u":"$uri$is_args$args","s":'
    '$status,"ua":"$http_user_agent"}';""",
        '{"t":"ISO","a":"ADDRESS","m":"GET","u":"TARGET","s":200,"ua":"AGENT"}',
        "ip_address method url status_code user_agent",
        {"time": "ISO"},
    ),
    Pasted(
        "npm",
        r"""log_format proxy
    '[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme '
    '$host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip '
    '$gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer"';""",
        (
            '[TIME] - - 200 - GET http HOST "TARGET" [Client ADDRESS] [Length 512] [Gzip -] [Sent-to'
            ' 192.0.2.1] "AGENT" "REFERRER"'
        ),
        "time status_code method host url ip_address bytes user_agent referrer",
        {},
    ),
    Pasted(
        "tabs",
        r"""log_format tabs
    '$time_iso8601\t$remote_addr\t$request_method\t$request_uri\t$status\t$body_bytes_sent\t'
    '$request_time\t$http_referer\t$http_user_agent';""",
        "ISO\tADDRESS\tGET\tTARGET\t200\t512\t0.000\tREFERRER\tAGENT",
        "ip_address method url status_code bytes response_time referrer user_agent",
        {"time": "ISO"},
    ),
    Pasted(
        "parts",
        r""""$request_method $uri$is_args$args $server_protocol" [$time_local] ${remote_addr} ${status}""",
        '"REQUEST" [TIME] ADDRESS 200',
        "method url time ip_address status_code",
        {},
    ),
    Pasted(
        "uri_args",
        r'''$remote_addr $msec "$request_method $uri?$args" $status "$http_user_agent"''',
        'ADDRESS 1772334000.451 "GET TARGET" 200 "AGENT"',
        "ip_address method query status_code user_agent",
        {"time": "1772334000.451", "url": "/product/p1"},
    ),
    Pasted(
        "xff_first",
        r"""log_format lb
    '$http_x_forwarded_for - $remote_user [$time_local] "$request" $status $body_bytes_sent "'
    '$http_referer" "$http_user_agent"';""",
        'LIST - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT"',
        "user_id time request status_code bytes referrer user_agent",
        {"ip_address": "LIST"},
    ),
    Pasted(
        "realip",
        r"""log_format cf
    '$http_cf_connecting_ip ($remote_addr) [$time_local] "$request" $status "$http_user_agent" '
    '$http_x_forwarded_for';""",
        '203.0.113.7 (ADDRESS) [TIME] "REQUEST" 200 "AGENT" LIST',
        "ip_address time request status_code user_agent forwarded_for",
        {},
    ),
    Pasted(
        "vhost",
        r"""log_format vhost
    '$host $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "'
    '$http_referer" "$http_user_agent" $request_id';""",
        'HOST ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" bf8e31acf69cfe808899fff20f938f5d',
        "host ip_address user_id time request status_code bytes referrer user_agent",
        {},
    ),
    Pasted(
        "arrow",
        r"""log_format arrow
    '$remote_addr --> $host ($server_name) [$time_local] $request_method $host$request_uri -> '
    '$status';""",
        "ADDRESS --> HOST (HOST) [TIME] GET HOSTTARGET -> 200",
        "ip_address time method host url status_code",
        {},
    ),
    Pasted(
        "port",
        r"""log_format p '$remote_addr:$remote_port [$time_local] "$request" $status';""",
        'ADDRESS:49806 [TIME] "REQUEST" 200',
        "ip_address time request status_code",
        {},
    ),
    Pasted(
        "local_bare",
        r"""log_format b '$time_local $remote_addr "$request" $status';""",
        'TIME ADDRESS "REQUEST" 200',
        "time ip_address request status_code",
        {},
    ),
    Pasted(
        "caret",
        r"""log_format caret
    '$remote_addr^$time_local^$request^$status^$body_bytes_sent^$http_referer^$http_user_agent^'
    '$request_time';""",
        "ADDRESS^TIME^REQUEST^200^512^REFERRER^AGENT^0.000",
        "ip_address time request status_code bytes referrer user_agent response_time",
        {},
    ),
    Pasted(
        "semicolon",
        r"""log_format csv '$time_iso8601;$remote_addr;"$request";$status;"$http_user_agent"';""",
        'ISO;ADDRESS;"REQUEST";200;"AGENT"',
        "ip_address request status_code user_agent",
        {"time": "ISO"},
    ),
)
