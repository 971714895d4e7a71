#!/bin/sh
# Makes a Debian 12 ready for tare's tests: Node, if there is none that is new enough, and what setup.mjs installs.
set -eu

version=20.20.2
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac

recent() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

if ! recent 2>/dev/null; then
  command -v curl >/dev/null || { apt-get update -qq && apt-get install -y -qq curl ca-certificates xz-utils; }
  cd "$(mktemp -d)"
  name=node-v$version-linux-$arch.tar.xz
  curl --fail --silent --show-error --remote-name "https://nodejs.org/dist/v$version/$name"
  curl --fail --silent --show-error "https://nodejs.org/dist/v$version/SHASUMS256.txt" | grep " $name\$" | sha256sum --check --quiet
  tar --extract --file "$name" --strip-components 1 --directory /usr/local --no-same-owner
fi

for module in overlay kvm_amd kvm_intel; do modprobe "$module" 2>/dev/null || true; done

# A shell of this machine begins where the project is, and its tests take the machine for the one that they want.
printf '%s\n' 'cd /tare' 'export TARE_MACHINE=here' >/etc/profile.d/tare.sh
echo 'Defaults env_keep += "TARE_MACHINE TARE_MUST_RUN"' >/etc/sudoers.d/tare

cd /tare
node scripts/setup.mjs kernel
