"""What is left to do when this process is killed and can do nothing any more: end a group of processes it started."""

import subprocess

# `read` ends when nobody has the other end of the pipe any more; the group may be gone by then.
_SCRIPT = 'read -r line; kill -s KILL -- "-$1"'


class LastWill:
    """Ends a process group as soon as this process is no more, however it ends; SIGKILL included.

    A shell waits at a pipe whose other end only this process holds: the kernel closes it for us. Linux's
    PR_SET_PDEATHSIG is no choice: it fires when the thread ends that started the process, and knows no group.
    """

    def __init__(self, group: int) -> None:
        """Take effect.

        Args:
            group: The process group.
        """
        self._heir = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", str(group)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends us, Ctrl-C or a closed terminal, must not end it first
        )

    def revoke(self) -> None:
        """The group has ended: its number may be somebody else's soon."""
        self._heir.kill()
        self._heir.communicate()
