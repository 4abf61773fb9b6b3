# Sourced by scripts that fetch packages which this machine does not install: of another architecture, or another
# version of Debian.
# shellcheck shell=bash

# use_apt_state FOLDER [LINE...]: from here on apt-get keeps all it knows in FOLDER, where nothing is installed, so that
# everything that is needed is fetched, into FOLDER/archives. Lines are added to its configuration.
use_apt_state() {
  local -r place=$1
  shift
  mkdir -p "$place"/{lists,archives}/partial
  : > "$place/status"
  cat > "$place/apt.conf" << END
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State "$place";
Dir::State::status "$place/status";
Dir::Cache "$place";
Dir::Cache::archives "archives/";
Dir::Log "$place";
END
  if (($# > 0)); then printf '%s\n' "$@" >> "$place/apt.conf"; fi
  export APT_CONFIG=$place/apt.conf
}
