#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What -S writes, -R reads: random configurations come back equal; a wrong rule changes nothing.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
# The scripts are not beside the program when the build is in another folder.
PATH=$top_builddir/utils/ipvsadm:$PATH
start_daemon

# random SEED: rules of a random configuration
random()
{
	awk -v seed="$1" '
		function pick(list, words) { return words[int(rand() * split(list, words, " ")) + 1] }
		function addr(net, host) { return net ~ /:/ ? sprintf("[%s%x]", net, host) : net host }
		BEGIN {
			srand(seed)
			if (rand() < 0.5)
				print "--set", int(rand() * 900) + 1, int(rand() * 100) + 1, int(rand() * 300) + 1
			services = int(rand() * 40)
			for (s = 1; s <= services; s++) {
				v6 = rand() < 0.4
				svc = pick("-t -u") " " addr(v6 ? "2001:db8:1::" : "192.0.2.", s) ":" int(rand() * 65535) + 1
				sched = pick("rr wrr lc wlc mh")
				line = "-A " svc " -s " sched
				if (sched == "mh" && rand() < 0.7)
					line = line " -b " pick("mh-port mh-fallback mh-fallback,mh-port")
				if (rand() < 0.3)
					line = line " --conn-timeout " int(rand() * 3600) + 1
				print line
				port = svc
				sub(/.*:/, "", port)
				dests = int(rand() * 12)
				for (d = 1; d <= dests; d++) {
					fwd = pick("-m -b -g")
					print "-a " svc " -r " addr(v6 ? "2001:db8:2::" : "198.51.100.", d) ":" \
						(fwd == "-g" ? port : int(rand() * 65535) + 1), fwd, "-w", int(rand() * 65536)
				}
				laddrs = int(rand() * 4)
				for (l = 1; l <= laddrs; l++)
					print "-P " svc " -z " (v6 ? sprintf("2001:db8:2::2%02x", l) : "198.51.100." 200 + l), "-F dpdk1"
			}
		}'
}

save()
{
	"$IPVSADM" -S -n
}

for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
	"$IPVSADM" -C
	"$IPVSADM" --set 900 120 300
	random $seed >"$TEST_DIR/rules"
	ok "seed $seed: rules are taken" "$IPVSADM" -R <"$TEST_DIR/rules"
	save >"$TEST_DIR/saved"
	is "seed $seed: nothing is lost" "$(sort "$TEST_DIR/saved")" \
		"$(sed 's/^--set 900 120 300$//; /^$/d' "$TEST_DIR/rules" | sort)"
	"$IPVSADM" -ln --json >"$TEST_DIR/before"
	"$IPVSADM" -C
	is "seed $seed: -C leaves nothing" "$("$IPVSADM" -ln --json)" "[]"
	ok "seed $seed: what was saved is read" "$IPVSADM" -R <"$TEST_DIR/saved"
	is "seed $seed: the same configuration" "$(save)" "$(cat "$TEST_DIR/saved")"
	is "seed $seed: the same listing" "$("$IPVSADM" -ln --json)" "$(cat "$TEST_DIR/before")"
	ok "seed $seed: it takes its own place" "$top_srcdir/utils/ipvsadm/ipvsadm-restore" <"$TEST_DIR/saved"
	is "seed $seed: and is the same again" "$(save)" "$(cat "$TEST_DIR/saved")"
done

# Names are written only where they are read as the same.
"$IPVSADM" -C
"$IPVSADM" --set 900 120 300
printf '%s\n' '-A -t 192.0.2.1:80' '-A -u 192.0.2.1:53' '-A -t [2001:db8::1]:443' '-A -t 192.0.2.1:12345' |
	"$IPVSADM" -R
is "services on well-known ports are taken" "$?" 0
save >"$TEST_DIR/saved"
"$IPVSADM" -S >"$TEST_DIR/names"
"$IPVSADM" -C
ok "rules with names are taken" "$IPVSADM" -R <"$TEST_DIR/names"
is "rules with names mean the same" "$(save)" "$(cat "$TEST_DIR/saved")"

# What rules may look like.
"$IPVSADM" -C
printf '# a comment\n\n   \n\tipvsadm -A -t "192.0.2.1:80" -s '\''rr'\''   # one more\n/sbin/ipvsadm -a -t 192.0.2.1:80 -r 198.51.100.1\\:81 -m\n-E -t 192.0.2.1:80 -s wrr' |
	"$IPVSADM" -R
is "comments, blanks, quotes, a last line without its end" "$(save)" "-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 198.51.100.1:81 -m -w 1"
is "no rules at all" "$("$IPVSADM" -R </dev/null 2>&1; echo $?)" 0

# refused TEXT CODE WANTED [OPTION]: rules from standard input; every line of WANTED is printed, nothing is changed
refused()
{
	before=$(save)
	"$IPVSADM" -R ${4:+"$4"} >"$TEST_DIR/out" 2>&1
	is "$1: ends with $2" "$?" "$2"
	is "$1: says why" "$(cat "$TEST_DIR/out")" "$3"
	is "$1: changes nothing" "$(save)" "$before"
}
refused "a service that is there and different" 255 "ipvsadm: -:3: Service already exists; nothing was changed" <<-'END'
	-A -t 203.0.113.1:80 -s rr
	-a -t 203.0.113.1:80 -r 198.51.100.11:80
	-A -t 192.0.2.1:80 -s lc
	-a -t 203.0.113.1:80 -r 198.51.100.12:80
END
refused "a server before its service" 255 "ipvsadm: -:2: Service not defined; nothing was changed" <<-'END'
	-A -t 203.0.113.1:80 -s rr
	-a -t 203.0.113.2:80 -r 198.51.100.11:80
	-A -t 203.0.113.2:80 -s rr
END
refused "a server twice and different, after changes of all kinds" 255 \
	"ipvsadm: -:8: Destination already exists; nothing was changed" <<-'END'
	-E -t 192.0.2.1:80 -s lc
	-e -t 192.0.2.1:80 -r 198.51.100.1:81 -w 7
	-A -u 192.0.2.1:53 -s mh -b mh-port
	-d -t 192.0.2.1:80 -r 198.51.100.1:81
	-P -t 192.0.2.1:80 -z 198.51.100.201 -F dpdk1
	--set 1 2 3
	-a -t 192.0.2.1:80 -r 198.51.100.2
	-a -t 192.0.2.1:80 -r 198.51.100.2 -w 2
END
refused "edits are taken back" 255 "ipvsadm: -:4: No such destination; nothing was changed" <<-'END'
	-e -t 192.0.2.1:80 -r 198.51.100.1:81 -w 7
	-E -t 192.0.2.1:80 -s mh -b mh-port --conn-timeout 9
	-E -t 192.0.2.1:80 -b mh-fallback
	-d -t 192.0.2.1:80 -r 198.51.100.9:81
END
refused "forwarding is taken back" 255 "ipvsadm: -:2: No such destination; nothing was changed" <<-'END'
	-e -t 192.0.2.1:80 -r 198.51.100.1:81 -b
	-d -t 192.0.2.1:80 -r 198.51.100.9:81
END
refused "a scheduler that is not there, after all was deleted" 255 \
	"ipvsadm: -:2: Scheduler or persistence engine not found; nothing was changed" <<-'END'
	-D -t 192.0.2.1:80
	-A -t 192.0.2.1:80 -s nosuch
END
refused "a port that is not there" 255 \
	'ipvsadm: -:1: cannot add the local address: there is no port "nowhere"; nothing was changed' <<-'END'
	-P -t 192.0.2.1:80 -z 198.51.100.201 -F nowhere
END
refused "every wrong line is named" 2 "ipvsadm: -:2: illegal weight specified
ipvsadm: -:3: illegal virtual server address[:port] specified
ipvsadm: -:5: a rule starts with a command
ipvsadm: -:6: the 'list' command is no rule
ipvsadm: -:7: a quote is not closed, or the line has too many words
ipvsadm: -:8: The 'persistent' option is not supported by this build
ipvsadm: -:9: --frob: unknown option" <<-'END'
	-A -t 203.0.113.1:80 -s rr
	-a -t 203.0.113.1:80 -r 198.51.100.11:80 -w 80x
	-A -t 203.0.113.1:70000
	# this one is not
	--frob
	-L
	-A -t "203.0.113.1:80
	-A -t 203.0.113.1:80 -p 60
	-A -t 203.0.113.1:80 --frob
END

# What is there and equal is no error and no change.
generation()
{
	"$DPIP" -j verify | sed 's/.*"role":"main","generation":\([0-9]*\).*/\1/'
}
# no_change TEXT FILE [OPTION]: restores FILE, which changes nothing, not even the generation. Nor does what the daemon
# does by itself meanwhile: local addresses of a configuration before this one may go.
no_change()
{
	no_change_before=$(save)
	generation=$(generation)
	ok "$1: is read" "$IPVSADM" -R ${3:+"$3"} <"$2"
	is "$1: no change" "$(generation)" "$generation"
	is "$1: all is there" "$(save)" "$no_change_before"
}
random 20 >"$TEST_DIR/rules"
ok "rules are taken" "$IPVSADM" -R <"$TEST_DIR/rules"
no_change "the same again" "$TEST_DIR/rules"
no_change "with --replace" "$TEST_DIR/rules" --replace
save >"$TEST_DIR/saved"
no_change "what was saved, with --sync" "$TEST_DIR/saved" --sync

# Different is an error unless --replace.
"$IPVSADM" -C
"$IPVSADM" --set 900 120 300
"$IPVSADM" -R <<-'END'
	-A -t 192.0.2.1:80 -s wrr
	-P -t 192.0.2.1:80 -z 198.51.100.201 -F dpdk1
	-a -t 192.0.2.1:80 -r 198.51.100.1:81 -b -w 5
	-a -t 192.0.2.1:80 -r 198.51.100.2:81 -b -w 5
	-A -u 192.0.2.1:53 -s rr
END
printf -- '-E -t 192.0.2.1:80 -s wrr\n-e -t 192.0.2.1:80 -r 198.51.100.1:81 -w 5\n' >"$TEST_DIR/edit"
no_change "an edit" "$TEST_DIR/edit"
cat >"$TEST_DIR/other" <<-'END'
	-A -t 192.0.2.1:80 -s wrr
	# another weight, another way
	-a -t 192.0.2.1:80 -r 198.51.100.1:81 -b -w 7
	-a -t 192.0.2.1:80 -r 198.51.100.2:81 -m -w 5
	-A -u 192.0.2.1:53 -s mh -b mh-port
	-A -t 192.0.2.3:80 -s rr
END
refused "a server that is there and different" 255 "ipvsadm: -:3: Destination already exists; nothing was changed" \
	<"$TEST_DIR/other"
is "... also in the log" "$(tail -n 5 "$daemon_log" | grep -c 'dest-add .*not done')" 1
ok "--replace changes it" "$IPVSADM" -R --replace <"$TEST_DIR/other"
is "... and leaves the rest" "$(save)" "-A -t 192.0.2.1:80 -s wrr
-P -t 192.0.2.1:80 -z 198.51.100.201 -F dpdk1
-a -t 192.0.2.1:80 -r 198.51.100.1:81 -b -w 7
-a -t 192.0.2.1:80 -r 198.51.100.2:81 -m -w 5
-A -t 192.0.2.3:80 -s rr
-A -u 192.0.2.1:53 -s mh -b mh-port"
refused "--sync also changes nothing when a rule is wrong" 255 \
	'ipvsadm: -:2: cannot add the local address: there is no port "nowhere"; nothing was changed' --sync <<-'END'
	-A -t 203.0.113.1:80
	-P -t 203.0.113.1:80 -z 198.51.100.201 -F nowhere
	-A -t 203.0.113.2:80
END
ok "--sync takes away what the rules do not name" "$IPVSADM" -R --sync <<-'END'
	-A -t 192.0.2.1:80 -s wrr
	-a -t 192.0.2.1:80 -r 198.51.100.2:81 -m -w 6
END
is "... and only that is left" "$(save)" "-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 198.51.100.2:81 -m -w 6"
ok "--sync is --replace, too, and may be given with it" "$IPVSADM" -R --sync --replace <<-'END'
	-A -t 192.0.2.1:80 -s rr
	-a -t 192.0.2.1:80 -r 198.51.100.3:81 -m -w 7
END
is "... which is the same as --sync" "$(save)" "-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.3:81 -m -w 7"
ok "... in either order" "$IPVSADM" -R --replace --sync <<-'END'
	-A -t 192.0.2.1:80 -s wrr
END
is "... and only that is left" "$(save)" "-A -t 192.0.2.1:80 -s wrr"
ok "the help says so" sh -c '"$1" --help | grep -q -e "--sync .*as --replace, and"' - "$IPVSADM"
for seed in 21 22 23; do
	random $seed >"$TEST_DIR/rules"
	ok "seed $seed: takes the place of another" "$IPVSADM" -R --sync <"$TEST_DIR/rules"
	save >"$TEST_DIR/saved"
	is "seed $seed: nothing else is there" "$(grep -v '^--set' "$TEST_DIR/saved" | sort)" \
		"$(grep -v '^--set' "$TEST_DIR/rules" | sort)"
	no_change "seed $seed: takes its own place" "$TEST_DIR/saved" --sync
done
# wrr takes no flags: services of mh get others, the rest another scheduler, servers another weight.
sed -e 's/-s mh.*/-s mh --conn-timeout 5/' -e 's/-s w*lc/-s wrr/' -e 's/-w [0-9]*/-w 77/' \
	-e 's/^--set.*/--set 11 12 13/' "$TEST_DIR/saved" >"$TEST_DIR/edited"
grep -q -e '^--set' "$TEST_DIR/edited" || echo '--set 11 12 13' >>"$TEST_DIR/edited"
ok "what was edited takes its place" "$IPVSADM" -R --sync <"$TEST_DIR/edited"
is "what was edited is there" "$(save | sort)" "$(sort "$TEST_DIR/edited")"
printf -- '-C\n-A -t 203.0.113.1:80\n-E -t 203.0.113.1:80 -s rr\n-Z -t 203.0.113.1:80\n-D -u 203.0.113.1:80\n' |
	"$IPVSADM" -R 2>"$TEST_DIR/err"
is "all commands in their order" "$? $(cat "$TEST_DIR/err")" "255 ipvsadm: -:5: No such service; nothing was changed"
is "... undone" "$(save | sort)" "$(sort "$TEST_DIR/edited")"
printf -- '-C\n-A -t 203.0.113.1:80\n-Z -t 203.0.113.1:80\n-E -t 203.0.113.1:80 -s rr\n-Z -u 203.0.113.1:53\n-Z\n' |
	"$IPVSADM" -R 2>"$TEST_DIR/err"
is "counters are zeroed at the end" "$? $(cat "$TEST_DIR/err")" \
	"255 ipvsadm: -:5: No such service; all rules that change something are in force"
is "... when the rules are in force" "$(save | grep -v '^--set')" "-A -t 203.0.113.1:80 -s rr"
ok "no rules, no change" "$IPVSADM" -R --replace </dev/null
is "... the service is there" "$(save | grep -c '^-A')" 1
printf '# the generator died here\n\n' | "$IPVSADM" -R --sync 2>"$TEST_DIR/err"
is "no rules with --sync: refused" "$? $(cat "$TEST_DIR/err")" \
	'255 ipvsadm: the input has no rules; to delete everything use "ipvsadm -C"; nothing was changed'
is "... the service is still there" "$(save | grep -c '^-A')" 1
echo -C >"$TEST_DIR/clear"
ok "a rule to delete everything" "$IPVSADM" -R --sync <"$TEST_DIR/clear"
is "no rules: the listing is empty" "$("$IPVSADM" -L --json)" "[]"
printf -- '-A -t 203.0.113.1:80\0-A -t 203.0.113.2:80\n' | "$IPVSADM" -R 2>"$TEST_DIR/err"
is "a zero byte: refused" "$(cat "$TEST_DIR/err")" "ipvsadm: -:1: the line has a zero byte"
head -c 200000 /dev/zero | tr '\0' 'x' | "$IPVSADM" -R 2>"$TEST_DIR/err"
is "a line without end: refused" "$(cat "$TEST_DIR/err")" "ipvsadm: -:1: a rule starts with a command"

# Many at once.
awk 'BEGIN {
	for (i = 0; i < 10000; i++) {
		vip = sprintf("10.%d.%d.%d:80", i / 65536, i / 256 % 256, i % 256)
		print "-A -t " vip " -s wlc"
		print "-a -t " vip " -r 198.51.100.11:80 -m -w 1"
	}
}' >"$TEST_DIR/many"
"$IPVSADM" -C
"$IPVSADM" --set 900 120 300
ok "10,000 services with a server each are taken" "$IPVSADM" -R <"$TEST_DIR/many"
ok "and written" sh -c '"$1" -S -n | cmp - "$2"' sh "$IPVSADM" "$TEST_DIR/many"
ok "and cleared" "$IPVSADM" -C
done_testing
