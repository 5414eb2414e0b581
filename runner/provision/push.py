"""kubeflow.katib for trials that Qalam runs on one machine: report_metrics, without a cluster.

A trial with a Push collector calls report_metrics(metrics, timestamp) as under Katib. Each call appends one line,
a JSON object, to the file that QALAM_METRICS_FILE names; Qalam reads it from there. Programs in other languages may
append such lines themselves.
"""

import datetime
import json
import os

__all__ = ["report_metrics"]


def report_metrics(metrics, timestamp=None, db_manager_address=None, timeout=None):
    """Report the values of metrics, a mapping of names to numbers or numeric strings.

    timestamp is a datetime or an RFC 3339 text; None means now. db_manager_address and timeout have no effect here.
    Raises ValueError when a value is no number.
    """
    if timestamp is None:
        timestamp = datetime.datetime.now(datetime.timezone.utc)
    if isinstance(timestamp, datetime.datetime):
        if timestamp.tzinfo is None:
            timestamp = timestamp.astimezone()
        timestamp = timestamp.isoformat()
    line = {"timestamp": timestamp}
    for name, value in metrics.items():
        float(value)
        line[name] = value if isinstance(value, str) else repr(float(value))
    data = (json.dumps(line) + "\n").encode()
    fd = os.open(os.environ["QALAM_METRICS_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)
