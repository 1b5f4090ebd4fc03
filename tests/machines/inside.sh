#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside a user and a mount namespace: makes another machine of this one, for the command alone.
#   inside.sh arm64 ROOTS EMULATOR COMMAND...  arm64 programs run, by their usual paths; of several roots (a:b) the first wins
#   inside.sh root ROOT FOLDERS COMMAND...     ROOT is ready to be changed into, with these folders (a:b) of ours in it
set -e
kind=$1 root=$2 third=$3
shift 3
case $kind in
  arm64)
    # Registered in this user namespace's own instance: Linux 6.7 and newer.
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf '%s' ":arm64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:$third:FP" \
      > /proc/sys/fs/binfmt_misc/register
    for folder in /usr/lib /usr/bin; do
      over=
      for one in $(printf '%s' "$root" | tr : ' '); do [ ! -d "$one$folder" ] || over=$over$one$folder:; done
      mount -t overlay -o "lowerdir=$over$folder" overlay "$folder"
    done
    ;;
  root)
    for folder in /proc /dev /sys /tmp /var/tmp $(printf '%s' "$third" | tr : ' '); do
      mkdir -p "$root$folder"
      mount --rbind "$folder" "$root$folder"
    done
    touch "$root/etc/resolv.conf" "$root/etc/nsswitch.conf" "$root/etc/hosts" "$root/etc/passwd"
    for file in hosts passwd group; do
      touch "$root/etc/$file" && mount --bind "/etc/$file" "$root/etc/$file"
    done
    ;;
esac
exec "$@"
