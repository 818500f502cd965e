#!/usr/bin/env bash
# The review's comment on a pull request: updated in place, or made where there is none yet.
#   .github/comment.sh NUMBER < COMMENT      needs `gh`, GH_TOKEN and GH_REPO (owner/name)
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: .github/comment.sh NUMBER < COMMENT" >&2; exit 2; }
comments="repos/$GH_REPO/issues/$1/comments"
# A person can write the marker too; only what this workflow wrote is its own to change.
ours=$(gh api --paginate "$comments" --jq '
    .[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- toolgate review -->"))) | .id')
if [ -n "$ours" ]; then
    gh api --silent --method PATCH "repos/$GH_REPO/issues/comments/${ours%%$'\n'*}" --field body=@-
else
    gh api --silent --method POST "$comments" --field body=@-
fi
