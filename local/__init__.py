"""The deployment on this machine: a stand-in for AWS that is planned, served and called like the real one."""
