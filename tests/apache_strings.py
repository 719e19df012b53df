"""Log strings of Apache and its kin as people have them, each with a line; Apache wrote its own."""

from pasted_strings import Pasted

APACHE = (
    Pasted(
        "combined",
        r"""LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\"" combined""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT"',
        "ip_address user_id time request status_code bytes referrer user_agent",
        {},
    ),
    Pasted(
        "vhost_combined",
        r"""LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined""",
        'HOST:80 ADDRESS - - [TIME] "REQUEST" 200 716 "REFERRER" "AGENT"',
        "ip_address user_id time request status_code referrer user_agent",
        {"bytes": "716", "host": "HOST:80"},
    ),
    Pasted(
        "combinedio",
        r"""LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %I %O" combinedio""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" 255 716',
        "ip_address user_id time request status_code bytes referrer user_agent",
        {},
    ),
    Pasted(
        "proxy",
        r"""LogFormat "%{X-Forwarded-For}i %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" proxy""",
        'LIST - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT"',
        "user_id time request status_code bytes referrer user_agent",
        {"ip_address": "LIST"},
    ),
    Pasted(
        "list",
        r"""%t [%v:%p] [client %{X-Forwarded-For}i] \"%r\" %>s %b \"%{User-Agent}i\"""",
        '[TIME] [HOST:80] [client LIST] "REQUEST" 200 512 "AGENT"',
        "time request status_code bytes user_agent",
        {"ip_address": "LIST", "host": "HOST:80"},
    ),
    Pasted(
        "times",
        r"""LogFormat "%h %l %u %t \"%r\" %>s %b %D %T \"%{User-Agent}i\"" timed""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 219 0 "AGENT"',
        "ip_address user_id time request status_code bytes user_agent",
        {"response_us": "219"},
    ),
    Pasted(
        "units",
        r"""LogFormat "%a %{us}T %{ms}T %{s}T %t \"%r\" %>s" units""",
        'ADDRESS 219 0 0 [TIME] "REQUEST" 200',
        "ip_address time request status_code",
        {"response_us": "219"},
    ),
    Pasted(
        "frac",
        r"""LogFormat "%h [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \"%r\" %>s %b" precise""",
        'ADDRESS [01/Mar/2026:03:00:00.550 +0000] "REQUEST" 200 512',
        "ip_address request status_code bytes",
        {"time": "01/Mar/2026:03:00:00.550 +0000"},
    ),
    Pasted(
        "iso",
        r"""LogFormat "%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t %a %m %U%q %H %>s %B" iso""",
        "2026-03-01T03:00:00.550287+0000 ADDRESS REQUEST 200 512",
        "ip_address request status_code bytes",
        {"time": "2026-03-01T03:00:00.550287+0000"},
    ),
    Pasted(
        "blank",
        r"""LogFormat "%{%Y-%m-%d %T}t %h \"%m %U%q %H\" %>s \"%400,501{User-agent}i\" \
\"%!200,304{Referer}i\"" local""",
        '2026-03-01 03:00:00 ADDRESS "REQUEST" 200 "-" "-"',
        "ip_address request status_code",
        {"time": "2026-03-01 03:00:00", "user_agent": "-", "referrer": "-"},
    ),
    Pasted(
        "dateclock",
        r"""LogFormat "%{%Y-%m-%d}t\t%{%T}t\t%h\t%m\t%U\t%q\t%>s\t%{User-Agent}i" tabs""",
        "2026-03-01\t03:00:00\tADDRESS\tGET\t/product/p1\t?ref=a%20b\t200\tAGENT",
        "ip_address method status_code user_agent",
        {"date": "2026-03-01", "clock": "03:00:00", "url": "/product/p1", "query": "?ref=a%20b"},
    ),
    Pasted(
        "epoch",
        r"""LogFormat "%{sec}t %{remote}p %{c}a %P %k %X %{Host}i %r %>s" epoch""",
        "1772334000 33220 ADDRESS 27306 0 + HOST REQUEST 200",
        "ip_address host request status_code",
        {"time": "1772334000"},
    ),
    Pasted(
        "msec",
        r'''CustomLog /tmp/x "%{begin:msec}t %{end:msec}t %h \"%r\" %s"''',
        '1772334000550 1772334000550 ADDRESS "REQUEST" 200',
        "ip_address request status_code",
        {"time": "1772334000550"},
    ),
    Pasted(
        "kv",
        r"""LogFormat "time=\"%{%Y-%m-%dT%H:%M:%S%z}t\" ip=%a host=%{Host}i \
method=%m path=\"%U\" query=\"%q\" status=%>s size=%B ua=\"%{User-Agent}i\" ref=\"%{Referer}i\"" kv""",
        (
            'time="2026-03-01T03:00:00+0000" ip=ADDRESS host=HOST method=GET path="/product/p1"'
            ' query="?ref=a%20b" status=200 size=512 ua="AGENT" ref="REFERRER"'
        ),
        "ip_address host method status_code bytes user_agent referrer",
        {"time": "2026-03-01T03:00:00+0000", "url": "/product/p1", "query": "?ref=a%20b"},
    ),
    Pasted(
        "json",
        r"""LogFormat "{ \"time\":\"%{%Y-%m-%d}tT%{%T}t.%{msec_frac}tZ\", \"process\":\"%D\",\
 \"filename\":\"%f\", \"remoteIP\":\"%a\", \"host\":\"%V\", \"request\":\"%U\", \"query\":\"%q\",\
 \"method\":\"%m\", \"status\":\"%>s\", \"userAgent\":\"%{User-agent}i\",\
 \"referer\":\"%{Referer}i\" }" json""",
        (
            '{ "time":"2026-03-01T03:00:00.550Z", "process":"219", "filename":"/srv/htdocs/product/p1",'
            ' "remoteIP":"ADDRESS", "host":"HOST", "request":"/product/p1", "query":"?ref=a%20b",'
            ' "method":"GET", "status":"200", "userAgent":"AGENT", "referer":"REFERRER" }'
        ),
        "ip_address host method status_code user_agent referrer",
        {"time": "2026-03-01T03:00:00.550Z", "response_us": "219", "url": "/product/p1", "query": "?ref=a%20b"},
    ),
    Pasted(
        "url",
        r"""LogFormat "%h %t %m https://%v%U%q %>s \"%{User-Agent}i\"" url""",
        'ADDRESS [TIME] GET https://HOSTTARGET 200 "AGENT"',
        "ip_address time method status_code user_agent",
        {"url": "https://HOSTTARGET"},
    ),
    Pasted(
        "hosturl",
        r"""LogFormat "%h %t %m %v%U%q %>s 100%% %{UNIQUE_ID}e %{X}n %{sid}C %L %A %R" hu""",
        "ADDRESS [TIME] GET HOSTTARGET 200 100% - - - - ADDRESS -",
        "ip_address time method host url status_code",
        {},
    ),
    Pasted(
        "unquoted",
        r"""LogFormat "%h %{%Y-%m-%d %H:%M:%S %z}t %>s %r %{User-Agent}i %{Referer}i" un""",
        "ADDRESS 2026-03-01 03:00:00 +0000 200 REQUEST AGENT REFERRER",
        "ip_address status_code request user_agent referrer",
        {"time": "2026-03-01 03:00:00 +0000"},
    ),
    Pasted(
        "pipes",
        r"""LogFormat "%h|%t|%r|%>s|%b|%{Referer}i|%{User-Agent}i|%D" pipes""",
        "ADDRESS|[TIME]|REQUEST|200|512|REFERRER|AGENT|219",
        "ip_address time request status_code bytes referrer user_agent",
        {"response_us": "219"},
    ),
)
OTHERS = (
    Pasted(
        "tomcat",
        """<Valve className="org.apache.catalina.valves.AccessLogValve" directory="logs"
               prefix="localhost_access_log" suffix=".txt"
               pattern="%h %l %u %t &quot;%r&quot; %s %b %D &quot;%{User-Agent}i&quot; %I" />""",
        'ADDRESS - - [TIME] "REQUEST" 200 512 17 "AGENT" http-nio-8080-exec-1',
        "ip_address user_id time request status_code bytes user_agent",
        {"response_ms": "17"},
    ),
    Pasted(
        "tomcat_common",
        'pattern="common"',
        'ADDRESS - - [TIME] "REQUEST" 200 512',
        "ip_address user_id time request status_code bytes",
        {},
    ),
    Pasted(
        "tomcat_combined",
        "<Valve className='org.apache.catalina.valves.AccessLogValve' pattern='combined'/>",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT"',
        "ip_address user_id time request status_code bytes referrer user_agent",
        {},
    ),
    Pasted(
        "spring_boot",
        'server.tomcat.accesslog.pattern=%{yyyy-MM-dd HH:mm:ss.SSS}t %a "%r" %s %{ms}T',
        '2026-03-01 03:00:00.123 ADDRESS "REQUEST" 200 17',
        "ip_address request status_code",
        {"time": "2026-03-01 03:00:00.123", "response_ms": "17"},
    ),
    Pasted(
        "jetty",
        'jetty.requestlog.formatString=%{client}a - %u %{dd/MMM/yyyy:HH:mm:ss ZZZ|GMT}t "%r" %s %O "%{Referer}i" %D',
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" 1700',
        "ip_address user_id time request status_code bytes referrer",
        {"response_us": "1700"},
    ),
    Pasted(
        "lighttpd",
        r'''accesslog.format = "%h %V %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" %T"''',
        'ADDRESS HOST - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" 1',
        "ip_address host user_id time request status_code bytes referrer user_agent",
        {"response_time": "1"},
    ),
    Pasted(
        "own",
        "{combined} rt={response_time}",
        'ADDRESS - - [TIME] "REQUEST" 200 512 "REFERRER" "AGENT" rt=0.000',
        "client user_id time request status_code bytes referrer user_agent response_time",
        {},
    ),
)
