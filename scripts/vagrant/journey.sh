#!/bin/bash
# What somebody with vagrant would type: up, the tests, away with it.
set -uo pipefail

vagrant up --provider libvirt 2>&1 | sed --unbuffered '/Progress: /d'
status=$?
if [ $status -eq 0 ]; then
  vagrant ssh -c "$1"
  status=$?
fi
vagrant destroy --force
exit $status
