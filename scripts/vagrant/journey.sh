#!/bin/sh
# What somebody with vagrant would type: up, the tests, away with it.
set -u
vagrant up --provider libvirt
status=$?
if [ $status -eq 0 ]; then
  vagrant ssh -c "$1"
  status=$?
fi
vagrant destroy --force
exit $status
