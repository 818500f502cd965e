"""What can be seen of a stack afterwards: logs, traces, alarms, metrics."""
