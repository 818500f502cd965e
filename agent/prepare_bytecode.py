"""Run when the agent's zip is built, in its folder: what `lazy` would work out at each start is worked out once."""

import lazy

if __name__ == "__main__":
    lazy.prepare()
