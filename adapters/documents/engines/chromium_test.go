package engines

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
)

// hostile tries in all ways that a document has to run scripts, to leave, and to reach a server.
const hostile = `<!DOCTYPE html><html lang="en" onclick="x()"><head><title>Secret title</title>
<style>@import "http://%[1]s/import"; head, title, style { display: block !important } p { background: url(http://%[1]s/style) }</style>
<style>@layer z { title { display: block !important; color: red } }</style>
<base href="http://%[1]s/"><link rel="prefetch" href="http://%[1]s/prefetch"><link rel="dns-prefetch" href="//%[1]s">
<link rel="stylesheet" href="http://%[1]s/sheet"><meta http-equiv="refresh" content="0; url=data:text/html,<script>%[2]s</script>">
<script>%[2]s</script></head><body onload="%[2]s"><p>Text</p><img src="http://%[1]s/image" onerror="%[2]s">
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onload="%[2]s" alt="x"><style>@keyframes k { to { opacity: 1 } }</style>
<div style="animation: k 1ms" onanimationstart="%[2]s"></div><svg><script>%[2]s</script><animate onbegin="%[2]s" attributeName="x" dur="1ms"/></svg>
<iframe title="a" src="data:text/html,<script>%[2]s</script>"></iframe><iframe title="b" srcdoc="<script>%[2]s</script>"></iframe>
<iframe title="c" src="http://%[1]s/frame"></iframe><iframe title="d" src="javascript:%[2]s"></iframe>
<object data="http://%[1]s/object"></object><embed src="data:text/html,<script>%[2]s</script>"><video src="http://%[1]s/video" autoplay></video>
<details open ontoggle="%[2]s"><summary>s</summary></details><input autofocus onfocus="%[2]s"></body></html>`

// TestChromiumIsConfined looks at the processes of a browser with a document that tries to get out. No other test runs a
// browser at the same time.
func TestChromiumIsConfined(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux confines the browser")
	}
	path := programtest.Find(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	chromium, err := findChromium(runner{executable: executable}, path)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	reached := make(chan string, 100)
	go func() {
		for {
			connection, err := tcp.Accept()
			if err != nil {
				return
			}
			reached <- "TCP"
			connection.Close()
		}
	}()
	go func() {
		if _, _, err := udp.ReadFrom(make([]byte, 100)); err == nil {
			reached <- "UDP"
		}
	}()
	script := fmt.Sprintf("document.documentElement.lang='changed';new Image().src='http://%s/script';"+
		"c=new RTCPeerConnection({iceServers:[{urls:'stun:%s'}]});c.createDataChannel('x');c.createOffer().then(o=>c.setLocalDescription(o))",
		tcp.Addr(), udp.LocalAddr())
	source := fmt.Sprintf(hostile, tcp.Addr(), script)
	var folder string
	err = chromium.open(t.Context(), []byte(source), func(ctx context.Context) error {
		if err := chromedp.Do(ctx, allowScripts(true)); err != nil { // as for axe
			return err
		}
		lang, err := chromedp.Run(ctx, chromedp.Evaluate[string]("new Promise(r => setTimeout(() => r(document.documentElement.lang), 300))", chromedp.EvalAwaitPromise))
		if err != nil {
			return err
		}
		if lang != "en" {
			t.Error("a script of the document ran")
		}
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.documentElement.innerText"))
		if err != nil {
			return err
		}
		if strings.Contains(shown, "Secret") || strings.Contains(shown, "display") {
			t.Errorf("what is in the head is shown: %q", shown)
		}
		folder = inspect(t)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case how := <-reached:
		t.Errorf("a server was reached by %s", how)
	default:
	}
	for ticker := time.NewTicker(10 * time.Millisecond); folder != ""; <-ticker.C { // it goes with the last process
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			break
		}
		if t.Context().Err() != nil {
			t.Fatalf("the folder %q of the browser is left", folder)
		}
	}
}

var browserFolder = regexp.MustCompile(`/[^ \x00]*/perfectworks-chromium-[A-Z2-7]+`)

// inspect checks the processes of the browsers that this process runs, and gives the folder of one.
func inspect(t *testing.T) (folder string) {
	t.Helper()
	ours, _ := os.Readlink("/proc/self/ns/net")
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	browsers := 0
	for _, file := range commands {
		command, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(command, []byte("--user-data-dir=")) || bytes.Contains(command, []byte("documents-exec")) {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if err != nil {
			continue
		}
		found := browserFolder.Find(command)
		if found == nil {
			continue
		}
		folder = string(found)
		browsers++
		if bytes.Contains(command, []byte("--no-sandbox")) {
			t.Errorf("the browser has no sandbox: %q", command)
		}
		if theirs, err := os.Readlink(filepath.Join(filepath.Dir(file), "ns/net")); err == nil && theirs == ours && !strings.Contains(string(status), "Seccomp:\t2") {
			t.Error("the browser has our network")
		}
		for line := range strings.Lines(string(status)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Uid:" && fields[1] == "0" {
				t.Errorf("the browser runs as root: %q", command)
			}
		}
	}
	if browsers == 0 {
		t.Error("no process of the browser is found")
	}
	return folder
}
