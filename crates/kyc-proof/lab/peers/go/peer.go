// peer EXCHANGE PORT CONCURRENCY CALLS: the calls on Go's net/http, as its users write them.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const requestID = "7fffffffffffffff0000000000000001"

var secret = []byte("00000000-0000-4000-8000-00000000000b")

type initialize struct {
	MobileNumber string `json:"mobile_number"`
	PanNumber    string `json:"pan_number"`
	Email        string `json:"email"`
	ConsentType  string `json:"consent_type"`
	WebhookURL   string `json:"webhook_url"`
	RedirectURL  string `json:"redirect_url"`
}

type initialized struct {
	Data struct {
		ClientID     string  `json:"client_id"`
		MobileNumber *string `json:"mobile_number"`
		PanNumber    *string `json:"pan_number"`
		EmailID      *string `json:"email_id"`
		RedirectURL  string  `json:"redirect_url"`
	} `json:"data"`
	StatusCode  int    `json:"status_code"`
	Success     bool   `json:"success"`
	Message     string `json:"message"`
	MessageCode string `json:"message_code"`
}

type consent struct {
	Type     string `json:"type"`
	Approved bool   `json:"approved"`
	Text     string `json:"text"`
}

type recorded struct {
	ID        string  `json:"id"`
	Context   *string `json:"context"`
	SessionID string  `json:"sessionId"`
}

type client struct {
	http *http.Client
	base string
}

func (c *client) send(path string, body []byte, headers map[string]string) (*http.Response, []byte, error) {
	request, err := http.NewRequest(http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-Id", requestID)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %s", response.Status)
	}
	return response, reply, err
}

func (c *client) finpass(_ int) error {
	body, err := json.Marshal(initialize{
		MobileNumber: "9000000001",
		PanNumber:    "AAAAA0000A",
		Email:        "person@example.test",
		ConsentType:  "loan_underwriting",
		WebhookURL:   "https://lender.example.test/hook",
		RedirectURL:  "https://lender.example.test/done",
	})
	if err != nil {
		return err
	}
	_, reply, err := c.send("/api/v1/services/account-aggregator/init", body, map[string]string{
		"X-Api-Key":    "made-up-key-0001",
		"X-Api-Secret": "made-up-secret-0001",
	})
	if err != nil {
		return err
	}
	var answer initialized
	return json.Unmarshal(reply, &answer)
}

func mac(body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return mac.Sum(nil)
}

// Signed and verified by hand.
func (c *client) veriff(number int) error {
	session := fmt.Sprintf("00000000-0000-4000-8000-%012d", number%64)
	body, err := json.Marshal(consent{
		Type:     "aadhaar",
		Approved: true,
		Text:     "I agree that my Aadhaar details are verified for this loan.",
	})
	if err != nil {
		return err
	}
	response, reply, err := c.send("/v1/sessions/"+session+"/consents", body, map[string]string{
		"X-Auth-Client":    "00000000-0000-4000-8000-00000000000a",
		"X-Hmac-Signature": hex.EncodeToString(mac(body)),
	})
	if err != nil {
		return err
	}
	signature, err := hex.DecodeString(response.Header.Get("X-Hmac-Signature"))
	if err != nil || !hmac.Equal(signature, mac(reply)) {
		return fmt.Errorf("the reply is not authentic")
	}
	var answer recorded
	return json.Unmarshal(reply, &answer)
}

func all(call func(int) error, concurrency, calls int) []time.Duration {
	latencies := make([][]time.Duration, concurrency)
	var group sync.WaitGroup
	for worker := 0; worker < concurrency; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for number := worker; number < calls; number += concurrency {
				started := time.Now()
				if err := call(number); err != nil {
					fail(err)
				}
				latencies[worker] = append(latencies[worker], time.Since(started))
			}
		}(worker)
	}
	group.Wait()
	var every []time.Duration
	for _, some := range latencies {
		every = append(every, some...)
	}
	return every
}

func spent() (user, system float64) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	seconds := func(time syscall.Timeval) float64 { return float64(time.Sec) + float64(time.Usec)/1e6 }
	return seconds(usage.Utime), seconds(usage.Stime)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}

func number(text string) int {
	number, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return number
}

func main() {
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: peer finpass|veriff PORT CONCURRENCY CALLS"))
	}
	concurrency, calls := number(os.Args[3]), number(os.Args[4])
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	// Without this it keeps two.
	transport.MaxIdleConns = concurrency
	transport.MaxIdleConnsPerHost = concurrency
	client := &client{&http.Client{Transport: transport}, "http://127.0.0.1:" + os.Args[2]}
	call := client.finpass
	if os.Args[1] == "veriff" {
		call = client.veriff
	}
	warmUp := calls / 2
	if warmUp < 2*concurrency {
		warmUp = 2 * concurrency
	}
	all(call, concurrency, warmUp)
	user, system := spent()
	started := time.Now()
	latencies := all(call, concurrency, calls)
	elapsed := time.Since(started)
	userAfter, systemAfter := spent()
	sort.Slice(latencies, func(a, b int) bool { return latencies[a] < latencies[b] })
	at := func(percent int) float64 {
		return float64(latencies[(len(latencies)-1)*percent/100].Nanoseconds()) / 1e3
	}
	fmt.Printf("%d %.6f %.1f %.1f %.6f %.6f\n",
		len(latencies), elapsed.Seconds(), at(50), at(99), userAfter-user, systemAfter-system)
}
