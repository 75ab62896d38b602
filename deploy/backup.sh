#!/bin/sh
# Back up PostFlow while it runs: backup.sh. To be called by root; postflow-backup.timer does so each night.
#
# Each backup is a folder named by its moment, with `database.dump` and the pictures. A picture that has not changed
# shares its room with the backup before. The newest POSTFLOW_KEEP stay. The keys in .env are not in it.
set -eu
umask 077

folder=/var/backups/postflow
pictures=/srv/postflow/media
keep=${POSTFLOW_KEEP:-14}

mkdir -p "$folder"
exec 9>"$folder/lock"
flock -n 9 || { echo "backup: another one is under way"; exit 1; }
former=$(ls -1d "$folder"/20* 2>/dev/null | tail -n 1)
now=$(date +%Y-%m-%d-%H%M%S)

# What bears a date is whole.
new=$folder/unfinished
rm -rf "$new"
mkdir "$new"
runuser -u postgres -- pg_dump --format custom --dbname postflow > "$new/database.dump"
if [ -d "$pictures" ]; then
    if [ -d "$former/pictures" ]; then
        cp --archive --link "$former/pictures" "$new/pictures"
    else
        mkdir "$new/pictures"
    fi
    # Never written through a link: that would change the former backup too.
    cp --archive --update --remove-destination "$pictures/." "$new/pictures/"
    (cd "$new/pictures" && find . -type f) | while read -r name; do
        [ -e "$pictures/$name" ] || rm "$new/pictures/$name"
    done
fi
mv "$new" "$folder/$now"
ls -1d "$folder"/20* | sort -r | tail -n +$((keep + 1)) | while read -r old; do rm -rf "$old"; done
echo "backup: $folder/$now, $(du -sh "$folder" | cut -f1) in all"
