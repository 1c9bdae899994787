"""Logging: what cloud does is told to the logger `Cloud`, written to cloud.log, and printed only on demand."""

import logging
import pathlib

import cloud

heard = []


class Handler(logging.Handler):
    def emit(self, record):
        heard.append(record.getMessage())


logging.getLogger("Cloud").addHandler(Handler())  # your own module can add handlers

if __name__ == "__main__":
    cloud.mp.join(cloud.mp.call(abs, -1))
    cloud.mp.close()
    print(any("worker processes" in message for message in heard))  # prints: True

    log = pathlib.Path(cloud.getconfigpath(), "cloud.log").read_text()  # INFO and higher; see log_level
    print(heard[0] in log)  # prints: True

    cloud.config.print_log_level = "ERROR"  # nothing is printed to stderr by default, to support WSGI
    cloud.config.commit()
