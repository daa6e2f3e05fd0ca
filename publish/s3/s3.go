package s3

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cyborg-bots/cyborg/publish"
)

var _ publish.Store = (*Store)(nil)

const (
	partSize  = 8 << 20 // longer objects go in parts of this size
	bigPuts   = 2       // so many of them at the same time: each holds one part in memory
	tries     = 5       // of one request
	dial      = 10 * time.Second
	firstByte = time.Minute // how long a server may think about one request
)

// Options say where a store is and how to get in.
type Options struct {
	Bucket    string
	Prefix    string // folder in the bucket, without slashes at its ends; empty: all of it
	Endpoint  string // http(s)://HOST[:PORT]; empty: Amazon's, of the region
	Region    string // empty: us-east-1
	Style     string // "path" or "host" of the bucket's name in addresses; empty: host at the big providers, else path
	PublicURL string // where readers find the folder; empty: at the endpoint itself
	CA        string // PEM file with more authorities to trust than the system's; empty: none
	AccessKey string // empty together with SecretKey: anonymous, which can only read
	SecretKey publish.Secret
	Session   publish.Secret // token that goes with temporary keys; empty: none
	Version   string         // of the program, for the server's log

	Transport http.RoundTripper // nil: a transport that trusts CA
}

// Store is a folder of a bucket.
type Store struct {
	o      Options
	public string // address of the folder
	client *minio.Client
	core   minio.Core
	slots  chan struct{} // of big puts

	transport http.RoundTripper
}

// Amazon's rule for names of buckets, which all others accept.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ParseURL reads s3://BUCKET/PREFIX.
func ParseURL(address string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !ok || !bucketName.MatchString(bucket) {
		return "", "", fmt.Errorf("read %q: want s3://BUCKET/FOLDER", address)
	}
	if prefix != "" {
		if err := publish.CheckName(prefix); err != nil {
			return "", "", fmt.Errorf("read %q: %w", address, err)
		}
	}
	return bucket, prefix, nil
}

// Open makes a store of options; it asks the server nothing yet.
func Open(o Options) (*Store, error) {
	endpoint := cmp.Or(o.Endpoint, "https://s3."+cmp.Or(o.Region, "us-east-1")+".amazonaws.com")
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("read endpoint %q: want http(s)://HOST[:PORT]", endpoint)
	}
	if o.AccessKey == "" != (o.SecretKey.Value == "") {
		return nil, errors.New("open bucket: a key's name and its secret go together, one of them is missing")
	}
	lookup, err := style(o.Style)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		if transport, err = trusting(o.CA); err != nil {
			return nil, err
		}
	}
	s := &Store{o: o, slots: make(chan struct{}, bigPuts), transport: transport}
	s.client, err = minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey.Value, o.Session.Value), Secure: u.Scheme == "https",
		Region: cmp.Or(o.Region, "us-east-1"), BucketLookup: lookup, Transport: newGate(transport), MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s at %s: %w", o.Bucket, endpoint, err)
	}
	s.client.SetAppInfo("cyborg", cmp.Or(o.Version, "unknown"))
	s.core = minio.Core{Client: s.client}
	s.public, err = o.publicURL(u)
	return s, err
}

func style(name string) (minio.BucketLookupType, error) {
	switch name {
	case "":
		return minio.BucketLookupAuto, nil
	case "path":
		return minio.BucketLookupPath, nil
	case "host":
		return minio.BucketLookupDNS, nil
	}
	return 0, fmt.Errorf("read address style %q: want path or host", name)
}

// trusting is a transport that trusts the authorities in a file besides the system's.
func trusting(file string) (http.RoundTripper, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dial}).DialContext, TLSHandshakeTimeout: dial,
		ResponseHeaderTimeout: firstByte, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 32, ExpectContinueTimeout: 10 * time.Second,
		DisableCompression: true, // what is stored is what is read
	}
	if file == "" {
		return t, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificates of authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificates of authorities %s: there is none in PEM form in it", file)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// publicURL is the address of the folder for readers, without a slash at its end.
func (o Options) publicURL(endpoint *url.URL) (string, error) {
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("read public address %q: want http(s)://HOST/PATH", o.PublicURL)
		}
		return strings.TrimRight(o.PublicURL, "/"), nil
	}
	base := endpoint.Scheme + "://" + endpoint.Host + "/" + o.Bucket
	if o.Style == "host" || o.Style == "" && o.Endpoint == "" && !strings.Contains(o.Bucket, ".") {
		base = endpoint.Scheme + "://" + o.Bucket + "." + endpoint.Host
	}
	if o.Prefix != "" {
		base += "/" + escape(o.Prefix)
	}
	return base, nil
}

// String is the store's address as --logs takes it.
func (s *Store) String() string { return strings.TrimRight("s3://"+s.o.Bucket+"/"+s.o.Prefix, "/") }

// Transport is how the store reaches its server: it trusts the same authorities.
func (s *Store) Transport() http.RoundTripper { return s.transport }

// URL implements [publish.Store].
func (s *Store) URL(name string) string { return s.public + "/" + escape(name) }

// escape escapes a name for a path. S3 takes a plus in a path for a blank, so
// all but what never needs it is escaped.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
