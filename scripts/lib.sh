# Shared by the commands in this folder: finds or installs what they need, and says so. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_packages PACKAGE…: installs the Debian or Ubuntu packages that are missing.
need_packages() {
  command -v dpkg-query >/dev/null || die "this script installs packages on Debian and Ubuntu only. Elsewhere install: $*"
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "as root, run: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# The JavaScript tools run in Node 20 or later, with an npm that comes with it.
readonly node_major=20 node_version=20.20.2
node_is_recent() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge $node_major ]
}
need_node() {
  local folder=$PWD/build/node
  [ -d "$folder/bin" ] && PATH=$folder/bin:$PATH
  node_is_recent && return
  need_packages nodejs npm
  if ! node_is_recent; then
    say "this system's Node is older than $node_major: installing Node $node_version from npm into build/node"
    local machine=x64
    [ "$(uname -m)" = aarch64 ] && machine=arm64
    npm install --silent --no-save --prefix "$folder/package" "node-linux-$machine@$node_version" >&2
    mkdir -p "$folder/bin"
    ln -sf "../package/node_modules/node-linux-$machine/bin/node" "$folder/bin/node"
    PATH=$folder/bin:$PATH
  fi
  node_is_recent || die "Node $node_major or later is needed"
}

need_npm_packages() {
  need_node
  # The stamp npm itself keeps is older than the lock file when something changed.
  if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "installing npm packages (npm ci, no install scripts)"
    npm ci --silent --ignore-scripts --no-audit --no-fund >&2
    touch node_modules/.package-lock.json
  fi
}

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  # Debian's acorn, which emcc calls, lies where only Debian's own Node looks.
  export NODE_PATH=/usr/share/nodejs
  local cache=/usr/share/emscripten/cache
  [ -d $cache ] && [ ! -w $cache ] && export EM_CACHE=$PWD/build/emscripten-cache
  [ -e "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
  cmake --build --preset "$preset" ${1:+--target "$@"} >&2
}

# The core as WebAssembly and the package's files, in web/dist.
build_package() {
  # googletest, because the build is configured with its tests.
  need_packages cmake ninja-build emscripten nlohmann-json3-dev googletest ccache
  need_npm_packages
  say "building the core (WebAssembly) and the package"
  build wasm candor-core
  node web/build.js >&2
}

# Prints the path of a Chromium; CANDOR_CHROMIUM overrides.
find_chromium() {
  local name
  for name in "${CANDOR_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && command -v "$name" && return
  done
  return 1
}
need_chromium() {
  if ! find_chromium >/dev/null; then
    need_packages chromium
  fi
  CANDOR_CHROMIUM=$(find_chromium) || die "no Chromium found: set CANDOR_CHROMIUM to its path"
  export CANDOR_CHROMIUM
}
# Prints the path of a Firefox; CANDOR_FIREFOX overrides.
find_firefox() {
  local name
  for name in "${CANDOR_FIREFOX:-}" firefox-esr firefox; do
    [ -n "$name" ] && command -v "$name" && return
  done
  return 1
}
need_firefox() {
  find_firefox >/dev/null || need_packages firefox-esr
  # llvmpipe: a Vulkan device, and so WebGPU, without a graphics card.
  need_packages mesa-vulkan-drivers
  CANDOR_FIREFOX=$(find_firefox) || die "no Firefox found: set CANDOR_FIREFOX to its path"
  export CANDOR_FIREFOX
}
