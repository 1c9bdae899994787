"""Commands of PiCloud's that are not there, and what there is instead."""

INSTEAD = {
    "ssh": "jobs are processes of the server's machine: `picloud output --follow JID` shows what one prints, "
    "`picloud stack JID` where it is",
    "ssh-info": "jobs are processes of the server's machine: `picloud info -o machine JID` names it",
    "exec-shell": "there is no machine to enter: `picloud exec COMMAND` runs a command as a job",
    "bucket": "`picloud files` puts, gets and lists files of any size",
    "cron": "the machine's own does it: a line `0 3 * * * picloud exec COMMAND` in `crontab -e`",
    "rest": "programs make jobs over HTTP, and the shell with `picloud call`",
    "realtime": "slots belong to the server: `picloud serve --workers N`, or PICLOUD_WORKERS",
    "volume": "`picloud files` keeps files beside jobs; jobs on the server's machine see its folders",
    "env": "jobs run in the environment of the Python that submits them; `picloud start --python PATH` adds another",
}
