"""What a browser sees before there is a dashboard."""

import html

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>picloud</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem; color: #1d2733; }}
h1 {{ font-size: 1.6rem; margin-bottom: 0; }}
.version {{ color: #66727f; margin-top: 0; }}
pre {{ background: #f3f5f7; padding: 1rem; border-radius: 6px; overflow-x: auto; }}
</style>
</head>
<body>
<h1>picloud</h1>
<p class="version">server {server_id}, version {version}</p>
<p>This server is running and takes jobs. The dashboard will live at this address; until then, jobs are seen from
Python and from the shell:</p>
<pre>import cloud
cloud.info(jid)

picloud status
curl -u KEY:SECRET {url}/v1/jobs/1</pre>
</body>
</html>
"""


def front_page(version: str, server_id: str, url: str) -> str:
    """The page at '/'."""
    return _PAGE.format(version=html.escape(version), server_id=html.escape(server_id), url=html.escape(url))
