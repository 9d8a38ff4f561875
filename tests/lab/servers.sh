# SPDX-License-Identifier: GPL-2.0-or-later
# Real servers of the lab: nginx on port 80 and dnsmasq on port 53, each in its namespace with its own
# configuration and folder. The machine's own nginx is not touched.
# shellcheck shell=sh disable=SC2154

# server_start rs1
server_start()
{
	srv=$1
	srv_dir=$LAB_DIR/$srv
	mkdir -p "$srv_dir/www" "$srv_dir/tmp"
	printf 'This is %s.\n' "$srv" >"$srv_dir/www/index.html"
	cat >"$srv_dir/nginx.conf" <<-END
	user nobody $(id -gn nobody);
	worker_processes 1;
	daemon off;
	pid $srv_dir/nginx.pid;
	error_log stderr warn;
	events { worker_connections 4096; }
	http {
		access_log off;
		sendfile on;
		keepalive_requests 1000000;
		client_body_temp_path $srv_dir/tmp/body;
		proxy_temp_path $srv_dir/tmp/proxy;
		fastcgi_temp_path $srv_dir/tmp/fastcgi;
		uwsgi_temp_path $srv_dir/tmp/uwsgi;
		scgi_temp_path $srv_dir/tmp/scgi;
		default_type application/octet-stream;
		server {
			listen 80 backlog=4096;
			listen [::]:80 ipv6only=on backlog=4096;
			root $srv_dir/www;
			add_header X-Server $srv;
			add_header X-Client \$remote_addr;
			location = /who { return 200 "$srv \$remote_addr\n"; }
		}
	}
	END
	lab_run "$srv-nginx" "$srv" nginx -e stderr -p "$srv_dir" -c "$srv_dir/nginx.conf"
}

# server_start_dns rs1: answers A and AAAA of www.lab.test, and TXT of who.lab.test with the server's name.
server_start_dns()
{
	lab_run "$1-dns" "$1" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--user=nobody --pid-file="$LAB_DIR/$1/dnsmasq.pid" --log-facility=- \
		--address=/www.lab.test/192.0.2.100 --address=/www.lab.test/2001:db8:1::100 \
		--txt-record=who.lab.test,"$1"
}

servers_up()
{
	for servers_name in rs1 rs2; do
		server_start $servers_name
	done
	for servers_name in rs1 rs2; do
		wait_for 10 in_ns $servers_name curl -sf -o /dev/null --max-time 2 http://127.0.0.1/ ||
			die "the web server of $servers_name does not answer" \
				"$(tail -n 5 "$LAB_DIR/$servers_name-nginx.log" 2>/dev/null)"
	done
}
